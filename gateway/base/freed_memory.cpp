// malloc_trim(3).
// Runs in: front, worker.
#include "gateway/base/freed_memory.hpp"

#include <malloc.h>

#include <algorithm>

namespace stowage {

namespace {

constexpr std::size_t worth_it = 64;  // fewer leave little, and whoever comes and goes costs nothing

}  // namespace

void FreedMemory::living(std::size_t count) {
    most_ = std::max(most_, count);
    if (most_ < worth_it || count > most_ / 2) return;
    (void)::malloc_trim(0);
    most_ = count;
}

}  // namespace stowage
