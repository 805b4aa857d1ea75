// Children: what they inherit, how their end is told, that they can be killed in time.
#include "gateway/supervisor/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "gateway/supervisor/service.hpp"

namespace stowage::supervisor {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> wait_into(Process& process, std::chrono::seconds limit, Ending& ending) {
    ending = co_await process.wait_or_kill(limit);
}

Ending run(const ProcessSpec& spec, std::chrono::seconds limit, int signal = 0) {
    asio::io_context io(1);
    auto process = Process::start(io.get_executor(), spec);
    Ending ending;
    if (!process) return ending;
    if (signal) (*process)->signal(signal);
    asio::co_spawn(io, wait_into(**process, limit, ending), asio::detached);
    io.run();
    return ending;
}

TEST(Process, EndIsToldAsCodeOrSignal) {
    EXPECT_EQ(run({"/bin/sh", {"-c", "exit 7"}}, std::chrono::seconds(10)).exit_code, 7);
    EXPECT_EQ(run({"/bin/sleep", {"100"}}, std::chrono::seconds(10), SIGTERM).signal, SIGTERM);
}

TEST(Process, OneThatDoesNotEndIsKilled) {
    EXPECT_EQ(run({"/bin/sleep", {"100"}}, std::chrono::seconds(1)).signal, SIGKILL);
}

TEST(Process, InheritsTheChannelAndNothingElse) {
    ::setenv("STOWAGE_LEAK", "1", 1);
    const Fd open_across_exec(::open("/dev/null", O_RDONLY));
    ASSERT_EQ(::fcntl(open_across_exec.get(), F_DUPFD, 50), 50);
    const auto script =
        "test ! -e /proc/$$/fd/50 || exit 1; test -S /proc/$$/fd/3 || exit 2; test -z \"$STOWAGE_LEAK\" || "
        "exit 3";
    EXPECT_EQ(run({"/bin/sh", {"-c", script}}, std::chrono::seconds(10)).exit_code, 0);
    ::unsetenv("STOWAGE_LEAK");
    const Fd closes_it(50);
}

TEST(Process, MissingExecutableIsAnError) {
    asio::io_context io(1);
    EXPECT_FALSE(Process::start(io.get_executor(), {"/nonexistent/x"}));
}

TEST(Backoff, GrowsAndRecovers) {
    Backoff backoff;
    EXPECT_EQ(backoff.after_running({}).count(), 100);
    EXPECT_EQ(backoff.after_running({}).count(), 200);
    for (int i = 0; i < 20; ++i)
        backoff.after_running({});
    EXPECT_EQ(backoff.after_running({}).count(), 30000);
    EXPECT_EQ(backoff.after_running(std::chrono::minutes(2)).count(), 100);
}

}  // namespace
}  // namespace stowage::supervisor
