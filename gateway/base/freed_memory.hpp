// Memory of what has ended, given back to the kernel.
// Runs in: front, worker.
#pragma once

#include <cstddef>

namespace stowage {

/// glibc keeps what is freed among blocks that live, and searches it at each malloc: after ten thousand
/// sessions that had ended, a login took the front half as much again, and it held 250 MiB for nobody.
class FreedMemory {
  public:
    /// Called when as many live as `count` says. Once half of them are gone, malloc_trim(3): some ms for
    /// thousands.
    void living(std::size_t count);

  private:
    std::size_t most_ = 0;  ///< since the last time
};

}  // namespace stowage
