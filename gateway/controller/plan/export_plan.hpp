// The step that exports a lab, and what is said of it.
// Runs in: controller.
#pragma once

#include "gateway/controller/plan/plan.hpp"

namespace stowage::controller {

Step plan_export(const Lab& lab, const Site& site, const message::LabObservation& seen);

/// In the step that changes the export: to whom the lab was exported.
void name_former_clients(const std::optional<Lab>& now, const Lab& wanted, std::vector<Step>& steps);

/// What the server has instead is news only where nobody asked for a change.
void hide_former_export(std::vector<Step>& steps);

}  // namespace stowage::controller
