// Room for uploads: found before the first byte, counted over all sessions, and refused with the numbers.
// Runs in: worker.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>

#include "ftps/worker/session.hpp"

namespace stowage::ftps {

/// Whether `bytes` more (0: of unknown size) fit into the lab beside what other sessions have announced.
/// Answers at once while there is plenty of room, else after a new look. Refuses only what surely does not
/// fit.
boost::asio::awaitable<Result<void>> find_room(Session& session, std::uint64_t bytes);

/// What the other sessions have announced and not sent yet.
std::uint64_t announced_by_others(const Session& session);

/// The reply to an upload that found no room, with new numbers. The third in a row ends the session: some
/// clients try again for ever.
/// @param grown bytes that had been written and were taken back
boost::asio::awaitable<void> refuse_full(Session& session, Error error, std::uint64_t grown);
/// The same for an error of find_room(), which has the numbers.
void refuse_full(Session& session, const Error& error);

}  // namespace stowage::ftps
