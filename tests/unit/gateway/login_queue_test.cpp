// Turns at PAM.
#include "gateway/supervisor/login_queue.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <vector>

namespace stowage::supervisor {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class Queue : public testing::Test {
  protected:
    static asio::awaitable<void> enter(LoginQueue& queue, std::string network,
                                       std::chrono::milliseconds limit, std::optional<bool>& entered) {
        entered = co_await queue.enter(std::move(network), limit);
    }
    std::optional<bool>& ask(const std::string& network, std::chrono::milliseconds limit = 1h) {
        auto& entered = *answers_.emplace_back(std::make_unique<std::optional<bool>>());
        asio::co_spawn(io_, enter(queue_, network, limit, entered), asio::detached);
        settle();
        return entered;
    }
    void settle() {
        io_.restart();
        while (io_.poll() > 0)
            continue;
    }
    void leave(const std::string& network) {
        queue_.leave(network);
        settle();
    }

    asio::io_context io_;
    std::vector<std::unique_ptr<std::optional<bool>>> answers_;
    std::size_t most_of_network_ = 9;
    LoginQueue queue_{io_.get_executor(), 3, 4, [this](const std::string&) { return most_of_network_; }};
};

// Without the limit per network the first address takes every turn, and this fails.
TEST_F(Queue, OneAddressDoesNotTakeEveryTurn) {
    most_of_network_ = 2;
    auto &first = ask("a"), &second = ask("a"), &third = ask("a");
    EXPECT_EQ(first, true);
    EXPECT_EQ(second, true);
    EXPECT_FALSE(third.has_value());
    EXPECT_EQ(ask("b"), true);
    leave("b");
    EXPECT_FALSE(third.has_value()) << "room in all, but not for this address";
    leave("a");
    EXPECT_EQ(third, true);
    EXPECT_EQ(queue_.under_way(), 2u);
}

// Four guesses are left, one of them fails: three may be under way from then on.
TEST_F(Queue, TheRoomOfANetworkMayShrinkMeanwhile) {
    most_of_network_ = 2;
    ask("a");
    ask("a");
    auto& third = ask("a");
    most_of_network_ = 1;
    leave("a");
    EXPECT_FALSE(third.has_value());
    leave("a");
    EXPECT_EQ(third, true);
}

TEST_F(Queue, InAllSoManyAtOnceInTheOrderTheyCame) {
    ask("a");
    ask("b");
    ask("c");
    auto &fourth = ask("d"), &fifth = ask("e");
    EXPECT_FALSE(fourth.has_value());
    leave("a");
    EXPECT_EQ(fourth, true);
    EXPECT_FALSE(fifth.has_value());
    leave("b");
    EXPECT_EQ(fifth, true);
}

TEST_F(Queue, NobodyWaitsForEverAndNotTooManyWait) {
    most_of_network_ = 1;
    for (const auto* network : {"a", "b", "c"})
        ask(network);
    auto& patient = ask("d", 20ms);
    for (int i = 0; i < 3; ++i)
        ask("e");
    EXPECT_EQ(ask("f"), false) << "four wait already";
    io_.restart();
    while (!patient)
        io_.run_one();
    EXPECT_EQ(patient, false);
    EXPECT_FALSE(ask("g").has_value()) << "its place in the queue is free again";
}

}  // namespace
}  // namespace stowage::supervisor
