// Two differences, and the smaller of them.
// Runs in: worker, on the file threads.
#include "ftps/worker/idle_age.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>

namespace stowage::ftps {

namespace {

using std::chrono::seconds;

// No clock says more, and no sum of two overflows.
constexpr std::int64_t most = 1'000'000'000'000;

seconds clock(clockid_t which) {
    timespec now{};
    (void)::clock_gettime(which, &now);
    return seconds(now.tv_sec);
}

}  // namespace

Moment look_at_clocks() {
    return {clock(CLOCK_BOOTTIME), clock(CLOCK_REALTIME)};
}

void IdleAge::look(Moment now) {
    // Less than before: the machine was started meanwhile, so at least that long ago.
    const auto ran = now.running < last_.running ? now.running : now.running - last_.running;
    age_ += std::clamp(now.wall - last_.wall, seconds(0), ran);
    last_ = now;
}

std::string IdleAge::text() const {
    return fmt::format("{} {} {}", age_.count(), last_.running.count(), last_.wall.count());
}

std::optional<IdleAge> IdleAge::parse(std::string_view text) {
    std::array<std::int64_t, 3> numbers{};
    const auto* at = text.data();
    const auto* const end = at + text.size();
    for (auto& number : numbers) {
        if (&number != numbers.data() && (at == end || *at++ != ' ')) return {};
        const auto [behind, failed] = std::from_chars(at, end, number);
        if (failed != std::errc{} || number < 0 || number > most) return {};
        at = behind;
    }
    if (at != end) return {};
    IdleAge parsed({seconds(numbers[1]), seconds(numbers[2])});
    parsed.age_ = seconds(numbers[0]);
    return parsed;
}

}  // namespace stowage::ftps
