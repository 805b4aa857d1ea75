// What a client goes on sending of an upload that has failed.
// Runs in: worker. Distrusts: how much that is.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "gateway/base/fd.hpp"

namespace stowage::ftps {

/// Reads it and throws it away, until the client ends the connection, or `limit` is over. A socket that is
/// closed with bytes in it sends a reset (RFC 1122 §4.2.2.13), which clients hear before the reply that says
/// why: curl tells of a broken connection then, and lftp begins anew for ever.
boost::asio::awaitable<void> throw_away_rest(boost::asio::any_io_executor executor, Fd connection,
                                             std::chrono::steady_clock::duration limit);

}  // namespace stowage::ftps
