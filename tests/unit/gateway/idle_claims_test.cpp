// What a worker says about being idle.
#include "gateway/supervisor/idle_claims.hpp"

#include <gtest/gtest.h>

namespace stowage::supervisor {

TEST(IdleClaims, OneThatHasBegunAllItsSessionsMayGo) {
    EXPECT_TRUE(*IdleClaims().judge(3, 3));
}

TEST(IdleClaims, OneWhoseNextSessionIsOnItsWayStays) {
    IdleClaims claims;
    EXPECT_FALSE(*claims.judge(3, 4));
    EXPECT_TRUE(*claims.judge(4, 4));
}

// Fails when every Idle is answered with patience: a worker that sends nothing else keeps the supervisor
// busy.
TEST(IdleClaims, LiesAndRepetitionsEndTheWorker) {
    IdleClaims claims;
    EXPECT_EQ(claims.judge(5, 4).error().code, Code::protocol);
    EXPECT_FALSE(*claims.judge(3, 4));
    EXPECT_EQ(claims.judge(3, 4).error().code, Code::protocol);
    EXPECT_EQ(claims.judge(2, 4).error().code, Code::protocol);
}

}  // namespace stowage::supervisor
