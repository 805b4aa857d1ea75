// Threads that take one task after another.
// Runs in: tests only.
#include "ftps/worker/own_threads.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <set>
#include <thread>

namespace stowage::ftps {

using Clock = std::chrono::steady_clock;

// Each waits for all others: with fewer threads than tasks this would not end.
TEST(OwnThreads, EachTaskHasAThreadToItself) {
    auto& threads = *new OwnThreads;  // outlives its threads
    constexpr int count = 16;
    const auto all = std::make_shared<std::latch>(count + 1);
    for (int i = 0; i < count; ++i)
        ASSERT_TRUE(threads.run([all] { all->arrive_and_wait(); }));
    all->arrive_and_wait();
}

TEST(OwnThreads, OneAfterAnotherNeedsFewThreads) {
    auto& threads = *new OwnThreads;
    std::set<std::thread::id> seen;
    for (int i = 0; i < 200; ++i) {
        const auto done = std::make_shared<std::promise<std::thread::id>>();
        ASSERT_TRUE(threads.run([done] { done->set_value(std::this_thread::get_id()); }));
        seen.insert(done->get_future().get());
    }
    EXPECT_LT(seen.size(), 100u);
}

TEST(OwnThreads, WhatATaskHoldsIsGoneWhenItEnds) {
    auto& threads = *new OwnThreads;
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> watched = held;
    ASSERT_TRUE(threads.run([held = std::move(held)] {}));
    for (const auto limit = Clock::now() + std::chrono::seconds(10);
         !watched.expired() && Clock::now() < limit;)
        std::this_thread::yield();
    EXPECT_TRUE(watched.expired());
}

}  // namespace stowage::ftps
