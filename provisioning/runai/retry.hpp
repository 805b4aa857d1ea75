// When to try again, and how long to wait before.
// Runs in: controller. Distrusts: Retry-After.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace stowage::runai {

struct Retries;

/// Exponential, half of it random: between half of and the whole of first_wait * 2^(tries_done - 1), at most
/// max_wait.
/// @param tries_done 1 after the first try
/// @param random     in [0, 1)
std::chrono::milliseconds wait_before_retry(const Retries& retries, unsigned tries_done, double random);

/// Retry-After (RFC 9110, 10.2.3): seconds, or a date in the preferred form. Nothing if it is neither; zero
/// for a date that has passed.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text,
                                                      std::chrono::system_clock::time_point now);

}  // namespace stowage::runai
