// Delays and bans, with the time passed in. Tried: each defence taken out of login_throttle.cpp and
// recent_events.cpp in turn (ban, delay, count per user, forgiveness of own failures only, places at once,
// exempt networks, familiar addresses, each bound of memory) makes one of these fail.
#include "gateway/supervisor/login_throttle.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace stowage::supervisor {
namespace {

using namespace std::chrono_literals;

class Throttle : public testing::Test {
  protected:
    LoginThrottle::Rules rules() {
        return {.ban_after = 5,
                .window = 10min,
                .ban_time = 15min,
                .max_delay = 8s,
                .never_ban = {"10.1.0.0/16"}};
    }
    bool is_banned(const std::string& network) { return throttle_.ban_of(network, now_) != nullptr; }
    void fail(const std::string& network, std::string_view user, int times = 1) {
        for (int i = 0; i < times; ++i)
            last_ = throttle_.failed(network, user, now_);
    }

    Ban::Clock::time_point now_{1000h};
    LoginThrottle throttle_{rules()};
    LoginThrottle::Verdict last_{};
};

// Without the call of begin_ban() this fails.
TEST_F(Throttle, BansAnAddressAfterSoManyRefusalsAndNoOther) {
    fail("192.0.2.1", "alice", 4);
    EXPECT_EQ(last_.ban, nullptr);
    EXPECT_FALSE(is_banned("192.0.2.1"));
    fail("192.0.2.1", "bob");
    ASSERT_NE(last_.ban, nullptr);
    EXPECT_EQ(last_.ban->network, "192.0.2.1");
    EXPECT_EQ(last_.ban->failures, 5u);
    EXPECT_EQ(last_.ban->user, "bob");
    EXPECT_TRUE(is_banned("192.0.2.1"));
    EXPECT_FALSE(is_banned("192.0.2.2"));
}

TEST_F(Throttle, BansEndByThemselvesAndTheCountBeginsAnew) {
    fail("192.0.2.1", "alice", 5);
    now_ += 15min - 1s;
    EXPECT_TRUE(is_banned("192.0.2.1"));
    EXPECT_EQ(throttle_.bans(now_).size(), 1u);
    now_ += 1s;
    EXPECT_FALSE(is_banned("192.0.2.1"));
    EXPECT_TRUE(throttle_.bans(now_).empty());
    fail("192.0.2.1", "alice", 4);
    EXPECT_FALSE(is_banned("192.0.2.1"));
}

TEST_F(Throttle, ForgetsRefusalsAfterTheWindow) {
    fail("192.0.2.1", "alice", 4);
    now_ += 10min;
    fail("192.0.2.1", "alice");
    EXPECT_FALSE(is_banned("192.0.2.1"));
    EXPECT_EQ(last_.delay, 0s);
}

TEST_F(Throttle, AnswersLaterAndLaterUpToALimit) {
    std::vector<std::chrono::seconds> delays;
    for (int i = 0; i < 12; ++i) {
        fail("10.1.0.7", "alice");  // never banned, so that it can go on
        delays.push_back(std::chrono::duration_cast<std::chrono::seconds>(last_.delay));
    }
    const std::vector<std::chrono::seconds> expected{0s, 0s, 1s, 2s, 4s, 8s, 8s, 8s, 8s, 8s, 8s, 8s};
    EXPECT_EQ(delays, expected);
    EXPECT_FALSE(is_banned("10.1.0.7"));
}

// The same delay whoever the name is: the throttle does not know who exists.
TEST_F(Throttle, DelaysGuessesAtOneUserFromManyAddresses) {
    for (int i = 1; i <= 4; ++i)
        fail(fmt::format("192.0.2.{}", i), "alice");
    EXPECT_EQ(last_.delay, 2s);
    fail("192.0.2.200", "somebody else");
    EXPECT_EQ(last_.delay, 0s);
}

// A stranger who knows a name can make its owner wait some seconds, and never more: were this a ban of the
// user, or a refusal, the test fails.
TEST_F(Throttle, StrangersCannotLockAUserOut) {
    for (int i = 0; i < 200; ++i)
        fail(fmt::format("2001:db8:0:{:x}::/64", i), "alice", 4);
    EXPECT_FALSE(is_banned("198.51.100.1"));
    EXPECT_EQ(throttle_.succeeded("198.51.100.1", "alice", now_), 8s);
    EXPECT_GE(throttle_.most_at_once("198.51.100.1", now_), 1u);
    // From where alice was before she does not even wait.
    EXPECT_EQ(throttle_.succeeded("198.51.100.1", "alice", now_), 0s);
    // Which a guesser at the same address does not see: wrong passwords are delayed as ever.
    fail("198.51.100.1", "alice");
    EXPECT_EQ(last_.delay, 8s);
}

TEST_F(Throttle, TheRightPasswordForgivesOwnMistakesOnly) {
    fail("192.0.2.1", "alice", 4);
    throttle_.succeeded("192.0.2.1", "alice", now_);
    fail("192.0.2.1", "alice", 4);
    EXPECT_FALSE(is_banned("192.0.2.1"));
    throttle_.succeeded("192.0.2.1", "mallory", now_);  // an account of one's own is no licence to guess
    fail("192.0.2.1", "alice");
    EXPECT_TRUE(is_banned("192.0.2.1"));
}

TEST_F(Throttle, LetsNoMoreGuessesThroughAtOnceThanAreLeft) {
    EXPECT_EQ(throttle_.most_at_once("192.0.2.1", now_), 5u);
    fail("192.0.2.1", "alice", 3);
    EXPECT_EQ(throttle_.most_at_once("192.0.2.1", now_), 2u);
    fail("10.1.0.7", "alice", 50);
    EXPECT_GT(throttle_.most_at_once("10.1.0.7", now_), 5u);
}

TEST_F(Throttle, ForgivesWhenTold) {
    fail("192.0.2.1", "alice", 5);
    fail("192.0.2.2", "alice", 5);
    fail("192.0.2.3", "alice", 5);
    EXPECT_TRUE(throttle_.forgive("192.0.2.1", now_));
    EXPECT_FALSE(is_banned("192.0.2.1"));
    EXPECT_FALSE(throttle_.forgive("192.0.2.9", now_));
    EXPECT_EQ(throttle_.forgive_all(now_), 2u);
    EXPECT_TRUE(throttle_.bans(now_).empty());
}

TEST_F(Throttle, CanBeSwitchedOff) {
    auto off = rules();
    off.ban_after = 0;
    off.max_delay = 0s;
    LoginThrottle throttle(off);
    for (int i = 0; i < 100; ++i) {
        const auto verdict = throttle.failed("192.0.2.1", "alice", now_);
        EXPECT_EQ(verdict.ban, nullptr);
        EXPECT_EQ(verdict.delay, 0s);
    }
}

// Address spraying: without the bounds this grows to 100,000 addresses and names.
TEST_F(Throttle, MemoryIsBounded) {
    for (int i = 0; i < 40'000; ++i) {
        now_ += 1ms;
        fail(fmt::format("2001:db8:{:x}:{:x}::/64", i / 65536, i % 65536), fmt::format("user{}", i));
    }
    RecentEvents events(100, 3, 10min);
    for (int i = 0; i < 100'000; ++i)
        events.add(fmt::format("{}", i), 0, now_);
    EXPECT_EQ(events.names(), 100u);
    for (int i = 0; i < 10; ++i)
        EXPECT_LE(events.add("99999", 0, now_), 3u);
    // Those who were quiet longest went.
    EXPECT_EQ(events.count("99998", now_), 1u);
    EXPECT_EQ(events.count("5", now_), 0u);
}

TEST_F(Throttle, BansAreBoundedTheOldestGoes) {
    auto strict = rules();
    strict.ban_after = 1;
    LoginThrottle throttle(strict);
    const auto name = [](std::size_t i) {
        return fmt::format("2001:db8:{:x}:{:x}::/64", i / 65536, i % 65536);
    };
    for (std::size_t i = 0; i < LoginThrottle::most_bans + 10; ++i) {
        now_ += 1us;
        throttle.failed(name(i), "x", now_);
    }
    EXPECT_EQ(throttle.bans(now_).size(), LoginThrottle::most_bans);
    EXPECT_EQ(throttle.ban_of(name(0), now_), nullptr);
    EXPECT_NE(throttle.ban_of(name(LoginThrottle::most_bans), now_), nullptr);
}

TEST(RecentEvents, ForgetsByTagAndByAge) {
    Ban::Clock::time_point now{1000h};
    RecentEvents events(10, 10, 1min);
    events.add("a", 1, now);
    events.add("a", 2, now);
    EXPECT_TRUE(events.has("a", 1, now));
    events.forget("a", 1);
    EXPECT_FALSE(events.has("a", 1, now));
    EXPECT_EQ(events.count("a", now), 1u);
    now += 1min;
    EXPECT_EQ(events.count("a", now), 0u);
    events.add("b", 1, now);
    EXPECT_EQ(events.names(), 1u) << "what is too old is dropped";
}

}  // namespace
}  // namespace stowage::supervisor
