// Where mounts begin.
// Runs in: root_step.
#pragma once

#include <string>

#include "gateway/base/result.hpp"

namespace stowage {

/// True if `path`, seen from `folder` (AT_FDCWD for an absolute one), is the root of a mounted filesystem
/// (statx(2), STATX_ATTR_MOUNT_ROOT); a symbolic link is none. Code::unsupported where the kernel does not
/// tell, which would else look like "not mounted".
Result<bool> is_mount_root(int folder, const std::string& path);

}  // namespace stowage
