// Turns: one at a time by key, in order, with a limit.
// Runs in: unit tests.
#include "gateway/controller/reconcile/turns.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace stowage::controller {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;

asio::awaitable<void> hold(Turns& turns, std::string key, std::string name, std::vector<std::string>& log) {
    const auto turn = co_await turns.take(key, std::chrono::seconds(10));
    log.push_back(name + " in");
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    log.push_back(name + " out");
}

asio::awaitable<void> give_up(Turns& turns, std::vector<std::string>& log) {
    const auto turn = co_await turns.take("a", std::chrono::seconds(0));
    log.push_back(turn ? "taken" : std::string(to_string(turn.error().code)));
}

TEST(Turns, OneKeyIsHeldByOneAtATimeInOrder) {
    asio::io_context io;
    Turns turns(io.get_executor(), 1);
    std::vector<std::string> log;
    for (const auto* name : {"1", "2", "3"})
        asio::co_spawn(io, hold(turns, "a", name, log), asio::detached);
    io.run();
    EXPECT_THAT(log, ElementsAre("1 in", "1 out", "2 in", "2 out", "3 in", "3 out"));
}

TEST(Turns, OtherKeysDoNotWait) {
    asio::io_context io;
    Turns turns(io.get_executor(), 1);
    std::vector<std::string> log;
    asio::co_spawn(io, hold(turns, "a", "1", log), asio::detached);
    asio::co_spawn(io, hold(turns, "b", "2", log), asio::detached);
    io.run();
    EXPECT_THAT(log, ElementsAre("1 in", "2 in", "1 out", "2 out"));
}

TEST(Turns, AsManyAsTheCapacitySays) {
    asio::io_context io;
    Turns turns(io.get_executor(), 2);
    std::vector<std::string> log;
    for (const auto* name : {"1", "2", "3"})
        asio::co_spawn(io, hold(turns, "a", name, log), asio::detached);
    io.run();
    EXPECT_THAT(log, ElementsAre("1 in", "2 in", "1 out", "2 out", "3 in", "3 out"));
}

asio::awaitable<void> hold_while_another_gives_up(Turns& turns, std::vector<std::string>& log) {
    const auto turn = co_await turns.take("a", std::chrono::seconds(1));
    co_await give_up(turns, log);
}

TEST(Turns, WaitingHasALimitAndLeavesNoTrace) {
    asio::io_context io;
    Turns turns(io.get_executor(), 1);
    std::vector<std::string> log;
    asio::co_spawn(io, hold_while_another_gives_up(turns, log), asio::detached);
    io.run();
    io.restart();
    asio::co_spawn(io, hold(turns, "a", "next", log), asio::detached);
    io.run();
    EXPECT_THAT(log, ElementsAre("in_use", "next in", "next out"));
}

}  // namespace
}  // namespace stowage::controller
