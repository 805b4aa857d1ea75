// The whole test program's `new`.
// Runs in: tests only.
#include "tests/unit/ftps_worker/no_memory.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<pid_t> only_one{0};

void* take(std::size_t bytes) {
    const auto one = only_one.load(std::memory_order_relaxed);
    if (one != 0 && one != ::gettid()) throw std::bad_alloc();
    void* taken = std::malloc(bytes > 0 ? bytes : 1);
    if (!taken) throw std::bad_alloc();
    return taken;
}

}  // namespace

void* operator new(std::size_t bytes) {
    return take(bytes);
}
void* operator new[](std::size_t bytes) {
    return take(bytes);
}
void operator delete(void* taken) noexcept {
    std::free(taken);
}
void operator delete[](void* taken) noexcept {
    std::free(taken);
}
void operator delete(void* taken, std::size_t) noexcept {
    std::free(taken);
}
void operator delete[](void* taken, std::size_t) noexcept {
    std::free(taken);
}

namespace stowage::ftps {

NoMemoryForOthers::NoMemoryForOthers() {
    only_one = ::gettid();
}
NoMemoryForOthers::~NoMemoryForOthers() {
    only_one = 0;
}

}  // namespace stowage::ftps
