// The steps that need root, each done once and idempotent.
// Runs in: root_step. Distrusts: the request, which was checked twice before it comes here.
#pragma once

#include "gateway/base/config.hpp"
#include "gateway/base/messages/steps.hpp"
#include "gateway/base/result.hpp"

namespace stowage::root_step {

/// Does the step and blocks until it is done. The observation is filled by observe_lab alone.
Result<message::LabObservation> perform(const message::StepRequest& request, const Config& config);

}  // namespace stowage::root_step
