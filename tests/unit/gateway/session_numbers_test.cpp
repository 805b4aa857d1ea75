// Numbers that a front may give to its sessions.
#include "gateway/supervisor/session_numbers.hpp"

#include <gtest/gtest.h>

namespace stowage::supervisor {

constexpr std::uint64_t everything = ~std::uint64_t{0};

TEST(SessionNumbers, ComeInAnyOrderWithinARunAndAgain) {
    SessionNumbers numbers;
    numbers.begin_run();
    for (const std::uint64_t number : {7u, 3u, 3u, 8u})
        EXPECT_TRUE(numbers.take(number)) << number;
    EXPECT_EQ(numbers.last(), 8u);
}

// Without `before_` a front that was taken over names sessions that a worker has from the front before.
TEST(SessionNumbers, ThoseOfAnEarlierFrontAreRefused) {
    SessionNumbers numbers;
    numbers.begin_run();
    ASSERT_TRUE(numbers.take(8));
    numbers.begin_run();
    for (const std::uint64_t number : {0u, 1u, 8u})
        EXPECT_EQ(numbers.take(number).error().code, Code::protocol) << number;
    EXPECT_TRUE(numbers.take(9));
}

// Without most_of_a_run the next front would count from 0 on.
TEST(SessionNumbers, NoFrontUsesThemUp) {
    SessionNumbers numbers;
    numbers.begin_run();
    EXPECT_EQ(numbers.take(everything).error().code, Code::protocol);
    EXPECT_EQ(numbers.last(), 0u);
    for (int run = 0; run < 1000; ++run) {
        numbers.begin_run();
        EXPECT_FALSE(numbers.take(numbers.last() + SessionNumbers::most_of_a_run + 1));
        EXPECT_TRUE(numbers.take(numbers.last() + SessionNumbers::most_of_a_run));
    }
    EXPECT_LT(numbers.last(), everything / 2);
}

}  // namespace stowage::supervisor
