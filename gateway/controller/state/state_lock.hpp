// One gateway per state: a lock that its holder's end lets go.
// Runs in: controller.
#pragma once

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::controller {

/// Takes flock(2) on `<directory>/stowage.lock`, which holds the holder's pid for people to read. Does not
/// wait: Code::in_use names the holder. The lock ends with the returned descriptor.
Result<Fd> lock_state(const std::string& directory);

}  // namespace stowage::controller
