// Children: what they inherit, how their end is told, that they can be killed in time.
#include "gateway/supervisor/process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <map>

#include "gateway/supervisor/service.hpp"

namespace stowage::supervisor {
namespace {

namespace asio = boost::asio;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

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
    EXPECT_EQ(run({"child", "/bin/sh", {"-c", "exit 7"}}, std::chrono::seconds(10)).exit_code, 7);
    EXPECT_EQ(run({"child", "/bin/sleep", {"100"}}, std::chrono::seconds(10), SIGTERM).signal, SIGTERM);
}

TEST(Process, OneThatDoesNotEndIsKilled) {
    EXPECT_EQ(run({"child", "/bin/sleep", {"100"}}, std::chrono::seconds(1)).signal, SIGKILL);
}

TEST(Process, InheritsTheChannelAndNothingElse) {
    ::setenv("STOWAGE_LEAK", "1", 1);
    const Fd open_across_exec(::open("/dev/null", O_RDONLY));
    ASSERT_EQ(::fcntl(open_across_exec.get(), F_DUPFD, 50), 50);
    // Below what a child is given, as it is there before the first: copied and closed, not left out.
    const Fd low(::fcntl(open_across_exec.get(), F_DUPFD, 5));
    const auto script = "test ! -e /proc/$$/fd/50 || exit 1; test ! -e /proc/$$/fd/" +
                        std::to_string(low.get()) +
                        " || exit 5; test -S /proc/$$/fd/3 || exit 2; test -p /proc/$$/fd/2 || exit "
                        "4; test -z \"$STOWAGE_LEAK\" || "
                        "exit 3";
    EXPECT_EQ(run({"child", "/bin/sh", {"-c", script}}, std::chrono::seconds(10)).exit_code, 0);
    ::unsetenv("STOWAGE_LEAK");
    const Fd closes_it(50);
}

/// All that we have open: number and what it is.
std::map<std::string, std::string> open_here() {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;  // the listing's own
        const auto what = std::filesystem::read_symlink(entry.path(), gone).string();
        if (!gone && what.find("/proc/") == what.npos) found[entry.path().filename()] = what;
    }
    return found;
}

// Until it has let go of them the child has the same descriptors as we, not a copy.
TEST(Process, LeavesOurDescriptorsAsTheyAre) {
    EXPECT_EQ(run({"child", "/bin/true"}, std::chrono::seconds(10)).exit_code, 0);
    const Fd held(::open("/bin/true", O_PATH | O_CLOEXEC));
    const auto before = open_here();
    EXPECT_EQ(run({"child", {"/bin/false", held.get()}}, std::chrono::seconds(10)).exit_code, 0);
    EXPECT_EQ(run({"child", "/tmp"}, std::chrono::seconds(10)).exit_code, 127) << "no program";
    EXPECT_EQ(open_here(), before);
}

// An upgrade puts another program in its place while the supervisor drains.
TEST(Process, HeldExecutableIsTheOneThatWasOpened) {
    char folder[] = "/tmp/stowage-process-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    const std::filesystem::path path = std::string(folder) + "/program";
    std::filesystem::copy_file("/bin/true", path);
    const Fd held(::open(path.c_str(), O_PATH | O_CLOEXEC));
    std::filesystem::copy_file("/bin/false", std::string(folder) + "/new");
    std::filesystem::rename(std::string(folder) + "/new", path);
    EXPECT_EQ(run({"child", path.string()}, std::chrono::seconds(10)).exit_code, 1);
    EXPECT_EQ(run({"child", {path.string(), held.get()}}, std::chrono::seconds(10)).exit_code, 0);
    std::filesystem::remove_all(folder);
}

// Fails when the child is not bounded: dd has a buffer of 200 MB.
TEST(Process, HasTheMemoryThatItMayHaveAndGoesFirst) {
    const auto dd = "exec dd if=/dev/zero of=/dev/null bs=200M count=1";
    ProcessSpec spec{"child", "/bin/sh", {"-c", dd}};
    EXPECT_EQ(run(spec, std::chrono::seconds(60)).exit_code, 0);
    spec.data_bytes = 100 << 20;
    EXPECT_EQ(run(spec, std::chrono::seconds(60)).exit_code, 1);
    spec.arguments = {"-c", "test $(cat /proc/self/oom_score_adj) = 500"};
    EXPECT_EQ(run(spec, std::chrono::seconds(10)).exit_code, 1);
    spec.goes_first = true;
    EXPECT_EQ(run(spec, std::chrono::seconds(10)).exit_code, 0);
}

// Fails without RLIMIT_NPROC. A uid of its own: root may always make more.
TEST(Process, HasTheThreadsThatItsUidMayHave) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    // Two beside the shell, of which none is there for long.
    const auto forks = "true | true | cat";
    ProcessSpec spec{"child",
                     "/usr/bin/setpriv",
                     {"--reuid", "4147001", "--regid", "4147001", "--clear-groups", "/bin/sh", "-c", forks}};
    EXPECT_EQ(run(spec, std::chrono::seconds(10)).exit_code, 0);
    spec.most_tasks = 2;
    EXPECT_EQ(run(spec, std::chrono::seconds(10)).exit_code, 2);
}

// Fails when the child has our own standard error.
TEST(Process, SpeaksForItselfOnly) {
    testing::internal::CaptureStderr();
    const auto script =
        "echo '<6>process=child event=fine x=1' >&2; echo '<3>process=supervisor event=forged' >&2; "
        "echo 'some text of its own' >&2; printf '<4>process=child event=esc\\033[2J\\nlast words' >&2";
    EXPECT_EQ(run({"child", "/bin/sh", {"-c", script}}, std::chrono::seconds(10)).exit_code, 0);
    const auto text = testing::internal::GetCapturedStderr();
    EXPECT_THAT(text, StartsWith("<6>process=child event=fine x=1\n"));
    EXPECT_THAT(text,
                HasSubstr("event=child_said child=child text=\"<3>process=supervisor event=forged\"\n"));
    EXPECT_THAT(text, HasSubstr("child=child text=\"some text of its own\"\n"));
    EXPECT_THAT(text, HasSubstr("event=esc\\x1b[2J\"\n"));
    EXPECT_THAT(text, HasSubstr("text=\"last words\"\n"));
    EXPECT_THAT(text, Not(HasSubstr("\n<3>")));
}

// Fails when whatever a child says is read at once: nothing slows it down, and the log grows as fast as it
// likes.
TEST(Process, OneThatNeverStopsTalkingIsHeldBack) {
    testing::internal::CaptureStderr();
    const auto began = std::chrono::steady_clock::now();
    // 4 MiB: the burst at once, the rest at the pace of the log.
    const auto script = "head -c 4194304 /dev/zero | tr '\\0' 'x' | fold -w 1000 >&2";
    EXPECT_EQ(run({"child", "/bin/sh", {"-c", script}}, std::chrono::seconds(60)).exit_code, 0);
    const auto text = testing::internal::GetCapturedStderr();
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1000));
    EXPECT_GT(text.size(), 4'194'304u) << "it waits, and nothing is lost";
}

TEST(ChildLog, KnowsWhoseALineIs) {
    EXPECT_TRUE(is_own_line("<6>process=worker:lab1 event=transfer bytes=1", "worker:lab1"));
    EXPECT_TRUE(is_own_line("<3>process=worker event=worker_failed", "worker:lab1"));
    EXPECT_FALSE(is_own_line("<6>process=worker:lab2 event=transfer", "worker:lab1"));
    EXPECT_FALSE(is_own_line("<6>process=worker:lab11 event=transfer", "worker:lab1"));
    EXPECT_FALSE(is_own_line("<6>process=supervisor event=login", "front"));
    EXPECT_FALSE(is_own_line("<0>process=front event=panic", "front"));
    EXPECT_FALSE(is_own_line("<6>process=front event=a\x1b[2J", "front"));
    EXPECT_FALSE(is_own_line("", "front"));
}

TEST(Process, MissingExecutableIsAnError) {
    asio::io_context io(1);
    EXPECT_FALSE(Process::start(io.get_executor(), {"child", "/nonexistent/x"}));
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
