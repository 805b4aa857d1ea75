// Drift, written down and told once.
// Runs in: controller.
#pragma once

#include <string>
#include <vector>

#include "gateway/controller/reconcile/step_runner.hpp"

namespace stowage::controller {

/// After the steps ran: what came of each. What was open before and is not there any more was set right by
/// somebody else. @return those that are still so, in words; empty when there are none
/// @param looked for all drift there may be (looks_for_drift()): without, what is open stays so
std::string note_drift(Context& context, const StepRunner& runner, const std::vector<Drift>& drift,
                       bool looked);

}  // namespace stowage::controller
