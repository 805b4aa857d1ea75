// One lab: brought to what was asked, verified, or taken away.
// Runs in: controller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/reconcile/report.hpp"

namespace stowage::controller {

/// How a run ended.
struct LabResult {
    std::string lab;
    LabState state = LabState::pending;
    std::optional<Error> error = {};  ///< the first
    bool gone = false;                ///< the lab is no more
    bool kept = false;                ///< gone, and its data is not
    bool refused = false;             ///< nothing was begun: `state` is what it was before
};

/// Since when a look at Run:ai that several labs share will do; nothing: the lab is looked up by itself.
using SharedSince = std::optional<std::chrono::steady_clock::time_point>;
/// So many at once ask for themselves: two calls each, of one answer, instead of lists of everything.
inline constexpr std::size_t few_labs = 2;
/// What is waited for between a lab's storage and Run:ai.
using BetweenParts = std::function<boost::asio::awaitable<SharedSince>()>;

/// Observes, plans, does what is missing, verifies. Writes nothing at all when everything is as asked. Ends
/// the lab's turn once its storage is done: Run:ai may take minutes to say nothing.
/// @param drift what becomes of what somebody else changed; somebody who asks for the lab means `repair`
boost::asio::awaitable<LabResult> reconcile_lab(Context& context, std::string lab, Turns::Turn turn,
                                                Report report, DriftPolicy drift = DriftPolicy::repair,
                                                BetweenParts between = {});

/// What is to be done for the lab in Run:ai, by a look at it now, which `seen` then has; a shared one decides
/// only that nothing is. The caller holds the lab's turn of registrations.
boost::asio::awaitable<std::vector<Step>> look_at_registration(Context& context, Lab lab,
                                                               SharedSince since = {});

/// Looks, mounts and reads back; changes nothing. The caller holds the lab's turn.
boost::asio::awaitable<LabResult> verify_lab(Context& context, std::string lab, Report report);

/// Refuses while the data source is in use (Code::in_use) or that cannot be known; from then on the lab
/// leaves, through restarts. The caller holds the lab's turn.
boost::asio::awaitable<Result<void>> begin_removal(Context& context, std::string lab, bool purge,
                                                   Report report);

/// The way out, from wherever it was left. The caller holds the lab's turn; what is under way for the lab in
/// Run:ai is waited for.
boost::asio::awaitable<LabResult> go_on_removing(Context& context, std::string lab, Report report);

}  // namespace stowage::controller
