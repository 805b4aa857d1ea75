// When a lab is looked at again.
// Runs in: unit tests.
#include "gateway/controller/reconcile/schedule.hpp"

#include <gtest/gtest.h>

namespace stowage::controller {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(Schedule, AReadyLabWaitsForTheIntervalGiveOrTakeATenth) {
    EXPECT_EQ(time_to_next_pass(minutes(5), 0, 0), seconds(270));
    EXPECT_EQ(time_to_next_pass(minutes(5), 0, 0.5), seconds(300));
    EXPECT_LE(time_to_next_pass(minutes(5), 0, 0.999), seconds(330));
}

TEST(Schedule, AnUnreadyLabIsTriedSoonerWithBackoff) {
    const auto first = time_to_next_pass(minutes(5), 1, 0.999),
               second = time_to_next_pass(minutes(5), 2, 0.999);
    EXPECT_LE(first, seconds(5));
    EXPECT_GE(first, seconds(3));
    EXPECT_GT(second, first);
}

TEST(Schedule, BackoffEndsAtTheInterval) {
    for (const unsigned failures : {10u, 20u, 1000000u, ~0u})
        EXPECT_LE(time_to_next_pass(minutes(5), failures, 0.999), minutes(5)) << failures;
    EXPECT_LE(time_to_next_pass(seconds(5), 3, 0.999), seconds(5));
}

}  // namespace
}  // namespace stowage::controller
