// Is the lab what it should be? Looked at by root, and mounted as a pod would.
// Runs in: controller. Distrusts: the NFS server.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "gateway/controller/reconcile/perform.hpp"

namespace stowage::controller {

/// Observes directory, quota and export, then mounts over NFS, writes, reads back, looks at the owner,
/// removes. Keeps each part's result in the state; the error is that of the first part that failed.
boost::asio::awaitable<Result<Performed>> check_lab(Context& context, Lab lab);

}  // namespace stowage::controller
