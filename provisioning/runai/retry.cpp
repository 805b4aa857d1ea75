// When to try again, and how long to wait before.
// Runs in: controller. Distrusts: Retry-After.
#include "provisioning/runai/retry.hpp"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "provisioning/runai/client.hpp"

namespace stowage::runai {

std::chrono::milliseconds wait_before_retry(const Retries& retries, unsigned tries_done, double random) {
    const unsigned doublings = std::min(tries_done > 0 ? tries_done - 1 : 0U, 20U);
    const auto whole = std::min(retries.first_wait * (1L << doublings), retries.max_wait);
    const auto half = whole / 2;
    return half +
           std::chrono::milliseconds(static_cast<long>(static_cast<double>((whole - half).count()) * random));
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text,
                                                      std::chrono::system_clock::time_point now) {
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error == std::errc() && end == text.data() + text.size()) return std::chrono::seconds(seconds);
    tm parts{};
    const std::string copy(text);
    const char* rest = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (rest == nullptr || *rest != '\0') return std::nullopt;
    // In whole seconds: the clock counts nanoseconds in 63 bits, and has no dates after 2262.
    const std::chrono::seconds then(::timegm(&parts));
    const auto today = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
    return std::max(then - today, std::chrono::seconds(0));
}

}  // namespace stowage::runai
