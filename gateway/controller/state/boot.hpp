// Which start of the machine this is, and how long ago it was: what no setting of the clock changes.
// Runs in: controller.
#pragma once

#include <cstdint>
#include <string>

namespace stowage::controller {

/// The kernel's boot_id; empty when it does not tell.
std::string boot_id();

/// Seconds since the machine started, those asleep included.
std::int64_t uptime_seconds();

}  // namespace stowage::controller
