// What this node is called.
// Runs in: controller, supervisor, CLI.
#pragma once

#include <string>

#include "gateway/base/config.hpp"

namespace stowage {

/// nfs.address, or the host's name where it is empty. Code::config when there is neither.
Result<std::string> nfs_address(const Config& config);

}  // namespace stowage
