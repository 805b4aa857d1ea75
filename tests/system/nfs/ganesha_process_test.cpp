// What NFS-Ganesha and its bus may do, when they end, and what clients notice of changes to other labs.
// Runs in: system tests, as root.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <fstream>
#include <thread>

#include "gateway/base/atomic_file.hpp"
#include "nfs/check/nfs_session.hpp"
#include "tests/system/nfs/running_ganesha.hpp"
#include "tests/system/nfs/silent_filesystem.hpp"

namespace stowage::nfs::testing {

using ::testing::HasSubstr;
namespace asio = boost::asio;

namespace {

std::string status_line(pid_t pid, const std::string& key) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key + ":")) return line.substr(line.find_first_not_of(" \t", key.size() + 1));
    return {};
}

struct Writing {
    std::atomic<bool> stop = false;
    std::atomic<int> writes = 0;
    std::string failure;
    std::chrono::milliseconds worst{0};
};

/// One open file, written and fsynced again and again.
asio::awaitable<void> keep_writing(MountCheckRequest request, Writing& writing) {
    NfsSession session(co_await asio::this_coro::executor, 4, "writer", request.port,
                       NfsSession::Clock::now() + std::chrono::seconds(60));
    auto result = co_await session.mount(request.server, request.path);
    if (result) result = co_await session.create("/open-file");
    while (result && !writing.stop) {
        const auto start = NfsSession::Clock::now();
        result = co_await session.write_and_commit(std::string(3000, 'x'));
        const auto took =
            std::chrono::duration_cast<std::chrono::milliseconds>(NfsSession::Clock::now() - start);
        writing.worst = std::max(writing.worst, took);
        ++writing.writes;
    }
    if (!result) writing.failure = result.error().text();
    (void)co_await session.close_file();
}

}  // namespace

class GaneshaProcess : public RunningGanesha {};

TEST_F(GaneshaProcess, HoldsOnlyTheCapabilitiesItNeeds) {
    const auto lab = run->make_lab("lab1", 101);
    ASSERT_TRUE(publish(exporter, lab));
    // DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, SETGID, SETUID
    for (const auto* set : {"CapEff", "CapPrm", "CapBnd"})
        EXPECT_EQ(status_line(run->ganesha_pid(), set), "00000000000000ce") << set;
    for (const auto* set : {"CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"})
        EXPECT_EQ(status_line(run->bus_pid(), set), "0000000000000000") << set;
    for (const pid_t pid : {run->ganesha_pid(), run->bus_pid()})
        EXPECT_EQ(status_line(pid, "NoNewPrivs"), "1");
}

TEST_F(GaneshaProcess, OpenFileOfALabOutlivesChangesOfOthers) {
    const auto lab = run->make_lab("lab1", 101);
    auto other = run->make_lab("lab2", 102), third = run->make_lab("lab3", 103);
    ASSERT_TRUE(publish(exporter, lab));
    Writing writing;
    std::thread writer([&] {
        asio::io_context io;
        asio::co_spawn(io, keep_writing(run->request(lab), writing), asio::detached);
        io.run();
    });
    for (int round = 0; round < 20; ++round) {
        other.clients = {round % 2 ? "10.0.0.0/8" : "127.0.0.0/8"};
        EXPECT_TRUE(publish(exporter, other));
        EXPECT_TRUE(publish(exporter, third));
        auto nowhere = third;
        nowhere.path += "-nowhere";
        EXPECT_FALSE(publish(run->ganesha(), nowhere));  // a failing change as well
        EXPECT_TRUE(withdraw(exporter, "lab3", {}));
    }
    // Its own clients change, too: an update keeps open files.
    auto wider = lab;
    wider.clients = {"10.0.0.0/8", "127.0.0.0/8"};
    EXPECT_TRUE(publish(exporter, wider));
    const int before = writing.writes;
    while (writing.failure.empty() && writing.writes < before + 20)
        std::this_thread::yield();
    writing.stop = true;
    writer.join();
    EXPECT_EQ(writing.failure, "");
    EXPECT_LT(writing.worst, std::chrono::seconds(2));
    RecordProperty("writes", writing.writes);
    std::printf("%d writes, worst %d ms\n", writing.writes.load(), static_cast<int>(writing.worst.count()));
}

TEST_F(GaneshaProcess, OneHungFilesystemHoldsUpNoOtherLab) {
    const auto first = run->make_lab("lab1", 101), hung = run->make_lab("lab2", 102),
               third = run->make_lab("lab3", 103);
    for (const auto& lab : {first, hung, third})
        ASSERT_TRUE(publish(exporter, lab));
    const SilentFilesystem silent(hung.path);
    if (!silent.why_not().empty()) GTEST_SKIP() << silent.why_not();
    const auto start = std::chrono::steady_clock::now();
    auto wider = first;
    wider.clients = {"10.0.0.0/8", "127.0.0.0/8"};
    EXPECT_TRUE(publish(exporter, wider));
    EXPECT_TRUE(withdraw(exporter, "lab3", {}));
    EXPECT_TRUE(withdraw(exporter, "lab2", {}));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3))
        << "none of it looks at lab2";
}

TEST_F(GaneshaProcess, ShutsOutFormerClientsOfALabThatHangs) {
    auto lab = run->make_lab("lab1", 101);
    lab.clients = {"10.5.0.0/16", "10.6.0.0/16", "127.0.0.0/8"};
    ASSERT_TRUE(publish(exporter, lab));
    const SilentFilesystem silent(lab.path);
    if (!silent.why_not().empty()) GTEST_SKIP() << silent.why_not();
    const auto start = std::chrono::steady_clock::now();
    auto wanted = lab, served = lab;
    wanted.clients = {"10.6.1.0/24", "127.0.0.0/8", "192.0.2.0/24"};
    const auto narrowed = narrow(exporter, wanted);
    EXPECT_TRUE(narrowed) << narrowed.error().text();
    served.clients = {"10.6.1.0/24", "127.0.0.0/8"};
    const auto seen = observe(exporter, served);
    EXPECT_TRUE(seen && seen->as_meant) << "those who were let in before, and no others";
    wanted.clients = {"192.0.2.0/24"};
    EXPECT_TRUE(narrow(exporter, wanted));
    const auto left = observe(exporter, served);
    EXPECT_TRUE(left && !left->present) << "none of them";
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

// Taken out (the limit of the launcher's look): no Ready comes, and the start is given up after 15 s.
TEST_F(GaneshaProcess, StartsWithoutTheLabWhoseFilesystemHangs) {
    const auto first = run->make_lab("lab1", 101), hung = run->make_lab("lab2", 102);
    for (const auto& lab : {first, hung})
        ASSERT_TRUE(publish(exporter, lab));
    run->kill_ganesha();
    const SilentFilesystem silent(hung.path);
    if (!silent.why_not().empty()) GTEST_SKIP() << silent.why_not();
    run->start_ganesha();
    const auto index = read_file(run->ganesha().files.index);
    ASSERT_TRUE(index);
    EXPECT_THAT(*index, HasSubstr("/lab1.conf"));
    EXPECT_THAT(*index, ::testing::Not(HasSubstr("/lab2.conf")));
}

TEST_F(GaneshaProcess, EndsWithItsParentEvenAfterServingClients) {
    run->kill_ganesha();  // this time a child of ours is their parent
    run->kill_bus();
    int words[2];
    ASSERT_EQ(::pipe2(words, O_CLOEXEC), 0);
    const pid_t supervisor = ::fork();
    if (supervisor == 0) {
        run->start_bus();
        run->start_ganesha();
        const auto lab = run->make_lab("lab1", 101);
        // Serving a client switches file system ids, which can make a thread forget its PDEATHSIG.
        const bool works = publish(exporter, lab) && check(run->request(lab)).ok();
        const pid_t pids[2] = {works ? run->ganesha_pid() : -1, run->bus_pid()};
        (void)!::write(words[1], pids, sizeof pids);
        ::pause();
    }
    pid_t pids[2] = {-1, -1};
    ASSERT_EQ(::read(words[0], pids, sizeof pids), static_cast<ssize_t>(sizeof pids));
    ASSERT_GT(pids[0], 0);
    const Fd ganesha(static_cast<int>(::syscall(SYS_pidfd_open, pids[0], 0)));
    const Fd bus(static_cast<int>(::syscall(SYS_pidfd_open, pids[1], 0)));
    ::kill(supervisor, SIGKILL);
    ::waitpid(supervisor, nullptr, 0);
    EXPECT_TRUE(gone_within(ganesha, std::chrono::seconds(5)));
    EXPECT_TRUE(gone_within(bus, std::chrono::seconds(5)));
    ::close(words[0]);
    ::close(words[1]);
}

TEST_F(GaneshaProcess, EndsWhenItsBusEnds) {
    ASSERT_TRUE(publish(exporter, run->make_lab("lab1", 101)));
    const Fd ganesha(static_cast<int>(::syscall(SYS_pidfd_open, run->ganesha_pid(), 0)));
    run->kill_bus();
    EXPECT_TRUE(gone_within(ganesha, std::chrono::seconds(5)));
}

TEST_F(GaneshaProcess, EndsInTimeOnSigterm) {
    ASSERT_TRUE(publish(exporter, run->make_lab("lab1", 101)));
    for (const pid_t pid : {run->ganesha_pid(), run->bus_pid()}) {
        const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        ::kill(pid, SIGTERM);
        EXPECT_TRUE(gone_within(process, std::chrono::seconds(10)));
    }
}

}  // namespace stowage::nfs::testing
