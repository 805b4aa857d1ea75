// One lab: brought to what was asked, verified, or taken away.
// Runs in: controller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

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

/// Observes, plans, does what is missing, verifies. The caller holds the lab's turn. Writes nothing at all
/// when everything is as asked.
/// @param drift what becomes of what somebody else changed; somebody who asks for the lab means `repair`
boost::asio::awaitable<LabResult> reconcile_lab(Context& context, std::string lab, Report report,
                                                DriftPolicy drift = DriftPolicy::repair);

/// Looks, mounts and reads back; changes nothing. The caller holds the lab's turn.
boost::asio::awaitable<LabResult> verify_lab(Context& context, std::string lab, Report report);

/// Refuses while the data source is in use (Code::in_use) or that cannot be known; from then on the lab
/// leaves, through restarts. The caller holds the lab's turn.
boost::asio::awaitable<Result<void>> begin_removal(Context& context, std::string lab, bool purge,
                                                   Report report);

/// The way out, from wherever it was left. The caller holds the lab's turn.
boost::asio::awaitable<LabResult> go_on_removing(Context& context, std::string lab, Report report);

}  // namespace stowage::controller
