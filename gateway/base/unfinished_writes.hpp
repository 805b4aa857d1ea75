// What write_atomically() leaves when it is killed.
// Runs in: root_step.
#pragma once

#include <string>

namespace stowage {

/// Removes the temporary files of `path` beside it. Only for who holds the lock under which `path` is
/// written: else one may be under way.
void remove_unfinished_writes(const std::string& path);

}  // namespace stowage
