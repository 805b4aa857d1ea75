// Waiting for others, aloud.
// Runs in: controller.
#pragma once

#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/reconcile/report.hpp"

namespace stowage::controller {

/// Turns::take(). Who has waited for some seconds says so, once: "waits for 4 other labs", in an event and in
/// the log.
/// @param whom one of those who are waited for: "other lab"
boost::asio::awaitable<Result<Turns::Turn>> take_aloud(Turns& turns, std::string key,
                                                       std::chrono::seconds limit, std::string lab,
                                                       std::string whom, Report report);

/// What set_quota of this lab is under way ends, and its run with it: whoever removes the lab or wants it
/// otherwise waits for its turn, and would wait for a day. Called beside Turns::take(), not before it: a walk
/// that has not begun yet looks whether somebody waits.
void end_quota_step_of(Context& context, const std::string& lab);

}  // namespace stowage::controller
