// A whole request against what is there: refused before anything begins, or planned.
// Runs in: controller. Distrusts: the request.
#pragma once

#include <vector>

#include "gateway/controller/control/requests.hpp"
#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

/// Labs that are being deleted, users of other labs or of none, and (with `needs_passwords`) new users
/// without a password.
Result<void> check_site(const Context& context, const SiteRequest& request, bool needs_passwords);

/// Whether a new lab's directory may be used: Code::differs for one that somebody else made and filled, so
/// that nothing is stored for it. A filesystem that does not answer at once is no objection: the lab's own
/// steps tell.
boost::asio::awaitable<Result<void>> check_directory(Context& context, LabRequest request);

/// The labs that are new or whose settings change.
std::vector<NamedSettings> changed_labs(const Context& context, const SiteRequest& request);

/// Users of the request that are not there yet.
std::vector<std::string> new_users(const Context& context, const SiteRequest& request);

}  // namespace stowage::controller
