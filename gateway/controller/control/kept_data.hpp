// Data of labs that were deleted without it.
// Runs in: controller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

/// Puts a lab whose data was kept back on its way out, this time with its data: from here on it is one that
/// is being deleted, through restarts too. An Error means that nothing was changed: Code::differs when what
/// lies there does not bear the lab's mark, Code::unavailable when the labs' filesystem is not there.
boost::asio::awaitable<Result<void>> recall_for_purge(Context& context, std::string lab);

/// Code::not_found, with the command that purges what a deleted lab left.
Error no_such_lab(const Context& context, const std::string& lab);

}  // namespace stowage::controller
