// A directory of ours, and all that is in it, removed.
// Runs in: worker, on the file threads. Distrusts: peers who change it meanwhile, and how deep they made it.
#pragma once

#include <string>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Removes `name` in `directory` and everything below it, following no links and with four descriptors at
/// most, however deep it is. Success if it is not there. Code::in_use while a peer goes on filling it.
/// Blocks.
Result<void> remove_tree(int directory, const std::string& name);

}  // namespace stowage::ftps
