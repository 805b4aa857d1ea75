// Reading everything of Run:ai that a site file speaks of.
// Runs in: controller. Distrusts: Run:ai.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "gateway/controller/plan/site.hpp"
#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

/// As few calls as paging allows: one per kind and page. `client` must outlive it.
boost::asio::awaitable<Result<ObservedSite>> observe_site(runai::Client& client);

/// Forgets what was about to be made and was not, as this look says. Nothing may be under way in Run:ai: the
/// caller has the site's turn.
Result<void> settle_intents(State& state, const ObservedSite& observed, std::int64_t looked_at);

}  // namespace stowage::controller
