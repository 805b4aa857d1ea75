// The watch over the site that was applied last: how far Run:ai has gone from it, and since when.
// Runs in: controller. Distrusts: Run:ai.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "gateway/controller/plan/site.hpp"
#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/site/site_runner.hpp"

namespace stowage::controller {

/// What a look or an apply found, for status. What was pending before keeps its moment.
void note_drift(SiteDrift& drift, const std::vector<SiteItem>& items, std::int64_t now);
/// What an apply has left.
void note_outcome(SiteDrift& drift, const SiteOutcome& outcome, std::int64_t now);
/// Run:ai could not be looked at.
void note_blind(SiteDrift& drift, const Error& error, std::int64_t now);

/// True if something would be done or told about it.
bool is_pending(const SiteItem& item);

/// Something was changed there, or may have been: the next look does not wait for its time.
void look_at_site_soon(Context& context);

/// Looks once whether what was applied is still so, and what became of requests that got no answer. False
/// when Run:ai could not be read.
boost::asio::awaitable<bool> look_at_site(Context& context);

/// Looks whether what was applied is still so: every reconcile_interval, give or take a tenth, after each
/// change of ours, and with backoff while Run:ai cannot be read. Deletes sealed secrets that are a day old.
/// Until the process ends.
boost::asio::awaitable<void> watch_site(Context& context);

}  // namespace stowage::controller
