// How much is copied between two moments in which a copy can be stopped.
#include <gtest/gtest.h>

#include "ftps/worker/copy_range.hpp"

namespace stowage::ftps {

namespace {

using std::chrono::milliseconds;
constexpr std::uint64_t mib = 1024 * 1024;

/// The longest step of a copy on a disk of this speed, and how many steps it took.
struct Copied {
    milliseconds longest{0};
    unsigned steps = 0;
};

Copied copy(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    Copied copied;
    CopyStep step;
    while (bytes > 0) {
        const auto now = std::min(bytes, step.bytes());
        const milliseconds time(now * 1000 / bytes_per_second);
        step.took(time);
        copied.longest = std::max(copied.longest, time);
        ++copied.steps;
        bytes -= now;
    }
    return copied;
}

}  // namespace

// Fails with steps of one size: 64 MiB take three seconds on a disk of 20 MB/s, and so does an ABOR.
TEST(CopyStep, ASlowDiskKeepsAnAborWaitingForAMomentOnly) {
    EXPECT_LE(copy(1024 * mib, 20 * mib).longest, milliseconds(200));
    EXPECT_LE(copy(100 * mib, 2 * mib).longest, milliseconds(500));
}

TEST(CopyStep, SharedBlocksTakeFewCalls) {
    EXPECT_LE(copy(500ull * 1024 * mib, 1ull << 50).steps, 520u);
}

TEST(CopyStep, ADiskThatBecomesSlowIsAskedForLess) {
    CopyStep step;
    for (int i = 0; i < 30; ++i)
        step.took(milliseconds(0));
    EXPECT_EQ(step.bytes(), 1024 * mib);
    step.took(milliseconds(20'000));
    EXPECT_LE(step.bytes(), 4 * mib);
    step.took(std::chrono::hours(1));
    EXPECT_EQ(step.bytes(), mib);
}

}  // namespace stowage::ftps
