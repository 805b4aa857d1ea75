// One root_step at a time, for a lab or for a file.
// Runs in: root_step, the Ganesha launcher.
#pragma once

#include <chrono>
#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage {

enum class Lock { shared, exclusive };

/// Holds flock(2) on `path` (made when missing, 0600) until the descriptor goes, or its process dies. Blocks
/// up to `limit`, then Code::unavailable. Uses SIGALRM of the calling thread.
Result<Fd> lock_file(const std::string& path, Lock lock, std::chrono::seconds limit);

}  // namespace stowage
