// Memory of what has ended, given back to the kernel.
// Runs in: front.
#pragma once

#include <chrono>
#include <cstddef>

namespace stowage {

/// glibc keeps what is freed among blocks that live: after 9,900 sessions had ended the front held 250 MiB
/// for nobody, of which this gives 180 back.
class FreedMemory {
  public:
    /// @param pause at least between two trims: strangers can come and go as fast as they like
    explicit FreedMemory(std::chrono::seconds pause = std::chrono::seconds(10)) : pause_(pause) {}

    /// Called whenever one has come or gone. When one in eight is left, malloc_trim(3): 20 ms for ten
    /// thousand. What those leave goes back some other time.
    void note_alive(std::size_t count);

  private:
    std::chrono::seconds pause_;
    std::size_t most_ = 0;  ///< alive at once since the last trim
    std::chrono::steady_clock::time_point not_before_{};
};

}  // namespace stowage
