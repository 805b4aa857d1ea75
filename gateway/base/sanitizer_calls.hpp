// System calls that the sanitizers' runtimes make by themselves: none in any build but those for tests.
// Runs in: front, worker, controller.
#pragma once

#include <array>

namespace stowage::privileges {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#ifdef NDEBUG
#error "a build that is installed has no sanitizers: its system call filters would have holes"
#endif
/// UBSan writes to a pipe what it wants to know whether it can be read, before it looks at an object's type.
inline constexpr std::array<const char*, 2> sanitizer_calls = {"pipe", "pipe2"};
#else
inline constexpr std::array<const char*, 0> sanitizer_calls = {};
#endif

}  // namespace stowage::privileges
