// The admin's socket: HTTP/1.1 over the Unix socket that the supervisor bound.
// Runs in: controller. Distrusts: everybody who could connect, until the kernel has said who it is.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>

#include "gateway/base/fd.hpp"
#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

/// Accepts until the process ends: one request per connection, so many at a time as ConnectionPlaces has,
/// each read and write with a limit. A client that leaves does not end the work that it asked for.
/// @param listener bound and listening
boost::asio::awaitable<void> serve_control_socket(Context& context, Fd listener, gid_t admin_gid);

}  // namespace stowage::controller
