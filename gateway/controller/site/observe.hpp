// Reading everything of Run:ai that a site file speaks of.
// Runs in: controller. Distrusts: Run:ai.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {

/// As few calls as paging allows: one per kind and page. `client` must outlive it.
boost::asio::awaitable<Result<ObservedSite>> observe_site(runai::Client& client);

}  // namespace stowage::controller
