// Runs over labs for a request: each lab in its turn, several side by side.
// Runs in: controller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/reconcile/lab_run.hpp"

namespace stowage::controller {

// A lab whose turn does not come within ten minutes is `refused`: nothing was begun.

/// Sorted by name.
boost::asio::awaitable<std::vector<LabResult>> reconcile_all(Context& context, std::vector<std::string> labs,
                                                             Report report);
boost::asio::awaitable<LabResult> verify_in_turn(Context& context, std::string lab, Report report);
boost::asio::awaitable<LabResult> remove_in_turn(Context& context, std::string lab, bool purge,
                                                 Report report);

}  // namespace stowage::controller
