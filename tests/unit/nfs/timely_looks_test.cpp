// Looks that are not answered hide no others.
#include "nfs/exports/timely_looks.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace stowage::nfs {
namespace {

using std::chrono_literals::operator""ms;

/// Of `count`, the first `silent` of which never answer: how many of the others did.
std::ptrdiff_t answered(std::size_t count, std::size_t silent, std::chrono::milliseconds limit) {
    const auto seen = look_in_time(
        count,
        [silent](std::size_t which) -> Result<void> {
            if (which < silent) ::pause();
            return {};
        },
        limit);
    return std::count_if(seen.begin(), seen.end(), [](const Result<void>& one) { return one.has_value(); });
}

TEST(TimelyLooks, HealthyOnesBehindSilentOnesAreSeen) {
    EXPECT_EQ(answered(100, 64, 2000ms), 36);
    EXPECT_EQ(answered(400, 350, 2000ms), 50);
}

TEST(TimelyLooks, HealthyOnesAreSeenWithFewDescriptors) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit few{40, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    EXPECT_EQ(answered(100, 0, 2000ms), 100);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace stowage::nfs
