// One writer of exports at a time.
// Runs in: root_step, the Ganesha launcher.
#pragma once

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::nfs {

/// Holds flock(2) on `path` (made when missing, 0600) until the descriptor goes. Blocks while another
/// root_step works; each of those is bounded by its own limits, and the kernel frees a dead one's lock.
Result<Fd> lock_exports(const std::string& path);

}  // namespace stowage::nfs
