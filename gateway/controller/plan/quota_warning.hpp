// When a lab is nearly full.
// Runs in: controller. Pure.
#pragma once

#include "gateway/base/messages/steps.hpp"

namespace stowage::controller {

/// How much of its limit of bytes or of files is used, whichever is more, in per cent; 0 without a limit, or
/// where nobody counts.
int percent_used(const message::LabObservation& seen);

/// 0, 80, 90 or 95: what this much deserves.
int warning_level(int percent);

/// The level after one look, given the one before: it falls only when the usage is clearly below, so that a
/// lab at its edge is not told about for ever. A crossing is where it has risen.
int next_warning(int before, int percent);

}  // namespace stowage::controller
