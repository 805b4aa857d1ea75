// malloc_trim(3).
// Runs in: front.
#include "gateway/base/freed_memory.hpp"

#include <malloc.h>

#include <algorithm>

namespace stowage {

namespace {

constexpr std::size_t worth_it = 64;  // fewer leave little

}  // namespace

void FreedMemory::note_alive(std::size_t count) {
    most_ = std::max(most_, count);
    if (most_ < worth_it || count > most_ / 8) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < not_before_) return;
    (void)::malloc_trim(0);
    most_ = count;
    not_before_ = now + pause_;
}

}  // namespace stowage
