// Looking at Run:ai from time to time.
// Runs in: controller. Distrusts: Run:ai.
#include "gateway/controller/control/site_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"
#include "gateway/controller/control/site_request.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/reconcile/schedule.hpp"
#include "gateway/controller/site/observe.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds patience(3600);
constexpr std::size_t most_lines = 20;

/// What it is, and why.
using Pending = std::vector<std::pair<std::string, std::string>>;

/// What was pending before keeps its moment.
void note(SiteDrift& drift, Pending pending, std::int64_t now) {
    SiteDrift next;
    next.at = now;
    next.pending = static_cast<std::int64_t>(pending.size());
    for (auto& [what, why] : pending) {
        const auto before = drift.since.find(what);
        const auto since = before == drift.since.end() ? now : before->second;
        next.since.emplace(what, since);
        if (next.lines.size() < most_lines) next.lines.push_back({std::move(what), std::move(why), since});
    }
    drift = std::move(next);
}

std::string what_of(const SiteItem& item) {
    return fmt::format("{} {}", to_string(item.change), item.title());
}

bool has_intents(const std::vector<OwnedObject>& owned) {
    return std::any_of(owned.begin(), owned.end(),
                       [](const OwnedObject& one) { return one.remote_id.empty(); });
}

}  // namespace

bool is_pending(const SiteItem& item) {
    return item.change != Change::unchanged || item.error;
}

void note_drift(SiteDrift& drift, const std::vector<SiteItem>& items, std::int64_t now) {
    Pending pending;
    for (const auto& item : items) {
        if (!is_pending(item)) continue;
        auto why = !item.fields.empty() ? runai::to_string(item.fields)
                   : item.error         ? item.error->what
                                        : item.detail;
        auto what = what_of(item);
        if (!drift.since.contains(what)) log::warning("site_drift", {{"what", what}, {"why", why}});
        pending.emplace_back(std::move(what), std::move(why));
    }
    note(drift, std::move(pending), now);
}

void note_outcome(SiteDrift& drift, const SiteOutcome& outcome, std::int64_t now) {
    Pending pending;
    for (const auto& failure : outcome.failures)
        pending.emplace_back(what_of(failure.item), failure.error.what);
    note(drift, std::move(pending), now);
}

void note_blind(SiteDrift& drift, const Error& error, std::int64_t now) {
    if (drift.error.empty()) drift.error_since = now;
    drift.error = error.text();
}

void look_at_site_soon(Context& context) {
    context.site_look_asked = true;
    context.site_changed.cancel();
}

asio::awaitable<bool> look_at_site(Context& context) {
    const auto text = context.state.applied_site();
    // Without a site there may be people: what was about to be made for them is looked for.
    if (text.empty() && !has_intents(context.state.objects())) co_return true;
    const auto wanted = text.empty() ? Result<WantedSite>(WantedSite()) : parse_wanted_site(text);
    if (!wanted) co_return true;
    const auto turn = co_await context.labs.take(site_turn, patience);
    if (!turn) co_return true;
    const auto looked_at = now_seconds();
    const auto observed = co_await observe_site(*context.registry.client());
    context.registry.note_result(observed.has_error() ? std::optional(observed.error()) : std::nullopt);
    if (!observed) {
        if (text.empty()) co_return false;
        note_blind(context.drift, observed.error(), now_seconds());
        co_return false;
    }
    // Now, and not only with the next apply: what is made by hand until then is not ours.
    if (const auto settled = settle_intents(context.state, *observed, looked_at); !settled)
        log::error("journal_refused", {{"why", settled.error().text()}});
    if (text.empty()) co_return true;
    const auto items = plan_site_objects(*wanted, *observed, context.state.objects(), false);
    note_drift(context.drift, items, now_seconds());
    co_return true;
}

asio::awaitable<void> watch_site(Context& context) {
    unsigned failures = 0;
    while (!context.draining && context.registry.is_used()) {
        if (!context.site_look_asked) {
            const auto interval = context.config.reconcile_interval;
            context.site_changed.expires_after(time_to_next_pass(interval, failures, random_fraction()));
            boost::system::error_code ignored;
            co_await context.site_changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        context.site_look_asked = false;
        (void)context.secrets.all();  // those that are a day old go
        if (context.draining) break;
        const bool seen = co_await look_at_site(context);
        failures = seen ? 0 : failures + 1;
    }
}

}  // namespace stowage::controller
