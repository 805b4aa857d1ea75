// Warnings of labs that fill up.
#include "gateway/controller/plan/quota_warning.hpp"

#include <gtest/gtest.h>

namespace stowage::controller {
namespace {

message::LabObservation seen(std::uint64_t used, std::uint64_t limit) {
    message::LabObservation observation;
    observation.quota_backend = message::QuotaBackend::xfs;
    observation.used_bytes = used;
    observation.quota_bytes = limit;
    return observation;
}

TEST(PercentUsed, IsOfWhateverIsNearerToItsLimit) {
    EXPECT_EQ(percent_used(seen(94, 100)), 94);
    auto both = seen(10, 100);
    both.quota_inodes = 1000;
    both.used_inodes = 850;
    EXPECT_EQ(percent_used(both), 85);
    EXPECT_EQ(percent_used(seen(UINT64_MAX, 1)), 999);
}

TEST(PercentUsed, WithoutALimitOrAnybodyWhoCountsIsNought) {
    EXPECT_EQ(percent_used(seen(94, 0)), 0);
    auto uncounted = seen(94, 100);
    uncounted.quota_backend = message::QuotaBackend::none;
    EXPECT_EQ(percent_used(uncounted), 0);
}

TEST(NextWarning, RisesAt80And90And95AndFallsOnlyClearlyBelow) {
    EXPECT_EQ(next_warning(0, 79), 0);
    EXPECT_EQ(next_warning(0, 80), 80);
    EXPECT_EQ(next_warning(80, 89), 80);
    EXPECT_EQ(next_warning(80, 97), 95);
    EXPECT_EQ(next_warning(80, 79), 80) << "it hovers at the edge";
    EXPECT_EQ(next_warning(80, 78), 0);
    EXPECT_EQ(next_warning(95, 94), 95);
    EXPECT_EQ(next_warning(95, 93), 90);
    EXPECT_EQ(next_warning(95, 10), 0);
}

}  // namespace
}  // namespace stowage::controller
