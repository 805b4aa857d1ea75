// Whether this build has sanitizers, for tests that cannot be run with them: they are skipped and say why.
// Runs in: tests.
#pragma once

namespace stowage {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool has_address_sanitizer = true, has_thread_sanitizer = false;
#elif defined(__SANITIZE_THREAD__)
inline constexpr bool has_address_sanitizer = false, has_thread_sanitizer = true;
#else
inline constexpr bool has_address_sanitizer = false, has_thread_sanitizer = false;
#endif
inline constexpr bool is_sanitized = has_address_sanitizer || has_thread_sanitizer;

}  // namespace stowage
