// Looks at filesystems of which one may hang.
// Runs in: the Ganesha launcher, root_step. Distrusts: that a filesystem answers.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::nfs {

/// What `look` said of each number below `count`, looked at in processes of their own, many at once; those
/// that are silent keep none of the others waiting for long. One that has not answered within `limit`, which
/// is that of all together, is Code::timeout; its process is killed, holds none of our descriptors, and stays
/// a child of this process as long as the kernel cannot end it. Call it while no other thread runs.
std::vector<Result<void>> look_in_time(std::size_t count,
                                       const std::function<Result<void>(std::size_t)>& look,
                                       std::chrono::milliseconds limit);

}  // namespace stowage::nfs
