// Paths that the kernel's NFS server knows by one name.
// Runs in: root_step, supervisor, CLI.
#pragma once

#include <string>

#include "gateway/base/result.hpp"

namespace stowage::nfs {

/// Code::unsupported when any part of the path is a symbolic link: whoever reads etab, as mountd and each
/// later exportfs do, has links in its paths resolved. Other codes when it cannot be looked at. Blocks on the
/// filesystem.
Result<void> check_plain_path(const std::string& path);

}  // namespace stowage::nfs
