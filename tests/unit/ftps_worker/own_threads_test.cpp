// Threads that take one task after another.
// Runs in: tests only.
#include "ftps/worker/own_threads.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <fstream>
#include <future>
#include <latch>
#include <memory>
#include <set>
#include <thread>

#include "ftps/worker/waiting.hpp"
#include "tests/support/sanitized.hpp"

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

namespace {

/// While it lives, this process gets no more than a few kilobytes of address space.
class NoRoom {
  public:
    NoRoom() {
        ::getrlimit(RLIMIT_AS, &before_);
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        const rlimit now{pages * static_cast<std::size_t>(::getpagesize()) + (512 << 10), before_.rlim_max};
        ::setrlimit(RLIMIT_AS, &now);
    }
    ~NoRoom() { ::setrlimit(RLIMIT_AS, &before_); }

  private:
    rlimit before_{};
};

asio::awaitable<void> attempt(Result<void>& outcome, bool& ran) {
    auto work = [&ran]() -> Result<void> {
        ran = true;
        return {};
    };
    outcome = co_await on_own_thread(std::move(work));
}

}  // namespace

// It went to the threads for short operations before, and kept those waiting. As ctest runs it, in a process
// of its own: no thread of another test waits for a task, and no stack of one is left.
TEST(OwnThreads, WorkForWhichThereIsNoThreadIsRefused) {
    if (is_sanitized) GTEST_SKIP() << "sanitizers need address space at any moment";
    asio::io_context context;
    Result<void> outcome;
    bool ran = false;
    testing::internal::CaptureStderr();
    {
        const NoRoom no_room;
        asio::co_spawn(context, attempt(outcome, ran), asio::detached);
        context.run();
    }
    const auto logged = testing::internal::GetCapturedStderr();
    EXPECT_NE(logged.find("event=no_thread"), logged.npos) << logged;
    EXPECT_NE(logged.find("ps -L -u"), logged.npos) << logged;
    EXPECT_FALSE(ran);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::unavailable);
    context.restart();
    asio::co_spawn(context, attempt(outcome, ran), asio::detached);
    context.run();
    EXPECT_TRUE(ran && outcome) << "and the next one is served again";
}

}  // namespace stowage::ftps
