// The system call filters that the processes really use, each in a child that has locked itself in.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "ftps/front/system_calls.hpp"
#include "ftps/worker/system_calls.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/sanitizer_calls.hpp"
#include "gateway/controller/system_calls.hpp"

namespace stowage::privileges {

namespace {

struct Process {
    const char* name;
    SystemCalls (*calls)();
    bool opens_files, makes_tcp_sockets, makes_threads, loads_code;
    std::vector<SocketOption> sets;  // in its code
};

const Process processes[] = {{"Worker",
                              ftps::system_calls,
                              true,
                              true,
                              true,
                              false,
                              {{SOL_SOCKET, SO_REUSEADDR},
                               {SOL_SOCKET, SO_RCVTIMEO},
                               {SOL_SOCKET, SO_SNDTIMEO},
                               {IPPROTO_TCP, TCP_NODELAY},
                               {IPPROTO_TCP, TCP_CORK},
                               {IPPROTO_TCP, TCP_QUICKACK}}},
                             {"Front",
                              ftps::front_system_calls,
                              false,
                              false,
                              false,
                              false,
                              {{SOL_SOCKET, SO_KEEPALIVE},
                               {IPPROTO_TCP, TCP_NODELAY},
                               {IPPROTO_TCP, TCP_CORK},
                               {IPPROTO_TCP, TCP_KEEPIDLE}}},
                             {"Controller",
                              controller::system_calls,
                              true,
                              true,
                              true,
                              true,
                              {{SOL_SOCKET, SO_REUSEADDR}, {IPPROTO_TCP, TCP_NODELAY}}}};

struct Call {
    const char* name;
    void (*make)();
};

int null() {
    static const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd;
}

// What somebody who took the process over would do next.
const Call forbidden[] = {
    {"execve", [] { ::execl("/bin/true", "true", nullptr); }},
    {"fork", [] { (void)::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
    {"a namespace", [] { (void)::syscall(SYS_unshare, 0x10000000); }},
    {"ptrace", [] { ::ptrace(PTRACE_TRACEME, 0, 0, 0); }},
    {"chroot", [] { (void)!::chroot("/"); }},
    {"setuid", [] { (void)!::setuid(0); }},
    {"open_by_handle_at", [] { (void)::syscall(SYS_open_by_handle_at, -1, nullptr, 0); }},
    {"a subvolume", [] { ::ioctl(null(), BTRFS_IOC_SUBVOL_CREATE, nullptr); }},
    {"a subvolume, version 2", [] { ::ioctl(null(), BTRFS_IOC_SUBVOL_CREATE_V2, nullptr); }},
    {"a snapshot", [] { ::ioctl(null(), BTRFS_IOC_SNAP_CREATE_V2, nullptr); }},
    {"a qgroup", [] { ::ioctl(null(), BTRFS_IOC_QGROUP_ASSIGN, nullptr); }},
    {"another project's quota", [] { ::ioctl(null(), FS_IOC_FSSETXATTR, nullptr); }},
    {"file flags", [] { ::ioctl(null(), FS_IOC_SETFLAGS, nullptr); }},
    {"typing into a terminal", [] { ::ioctl(null(), TIOCSTI, "x"); }},
    // The kernel looks at 32 bits of the request.
    {"typing, with high bits", [] { (void)::syscall(SYS_ioctl, null(), TIOCSTI | 0x100000000ul, "x"); }},
    {"a packet socket", [] { (void)::socket(AF_PACKET, SOCK_RAW, 0); }},
    {"a raw socket", [] { (void)::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP); }},
    {"a socket of the kernel's ciphers", [] { (void)::socket(AF_ALG, SOCK_SEQPACKET, 0); }},
    {"being dumpable", [] { ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }},
    {"ambient capabilities", [] { ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0); }},
};

[[noreturn]] void with_filter(const Process& process, const std::function<bool()>& work) {
    (void)null();
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!allow_only(process.calls())) ::_exit(64);
    ::_exit(work() ? 0 : 1);
}

bool asks_sockets() {
    int tcp = ::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (tcp < 0) tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return tcp >= 0;
}

/// On a socket that was there before, as a front has them.
bool sets_blocking_mode(int socket) {
    int on = 1, waiting = 0;
    return ::ioctl(socket, FIONBIO, &on) == 0 && ::ioctl(socket, FIONREAD, &waiting) == 0;
}

bool runs_a_thread() {
    bool ran = false;
    std::thread([&ran] { ran = true; }).join();
    return ran;
}

bool maps(int protection) {
    return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

bool turns_data_into_code() {
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED && ::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

bool is_refused(int outcome) {
    return outcome < 0 && errno == EPERM;
}

}  // namespace

class EveryFilter : public testing::TestWithParam<Process> {};

// Fails for each of these when its rule in seccomp.cpp is taken out: it answers EPERM then, or is done.
TEST_P(EveryFilter, KillsWhoeverMakesAForbiddenCall) {
    for (const auto& call : forbidden) {
        SCOPED_TRACE(call.name);
        const auto make = [&] {
            call.make();
            return true;
        };
        EXPECT_EXIT(with_filter(GetParam(), make), testing::KilledBySignal(SIGSYS), "");
    }
}

// Fails when a rule hits what the process lives on.
TEST_P(EveryFilter, LetsTheProcessDoItsWork) {
    const auto process = GetParam();
    const auto ends_well = testing::ExitedWithCode(0);
    Fd old(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EXIT(with_filter(process, [&] { return sets_blocking_mode(old.get()); }), ends_well, "");
    EXPECT_EXIT(with_filter(process, [] { return maps(PROT_READ | PROT_WRITE); }), ends_well, "");
    if (process.opens_files) {
        const auto opens = [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0; };
        EXPECT_EXIT(with_filter(process, opens), ends_well, "");
    }
    if (process.makes_tcp_sockets) {
        EXPECT_EXIT(with_filter(process, asks_sockets), ends_well, "");
    }
    if (process.makes_threads) {
        EXPECT_EXIT(with_filter(process, runs_a_thread), ends_well, "");
    }
    EXPECT_EXIT(with_filter(process, [] { return maps(PROT_READ | PROT_EXEC); }),
                testing::ExitedWithCode(process.loads_code ? 0 : 1), "");
    EXPECT_EXIT(with_filter(process, turns_data_into_code),
                testing::ExitedWithCode(process.loads_code ? 0 : 1), "");
}

TEST_P(EveryFilter, RefusesWhatItDoesNotKnow) {
    EXPECT_EXIT(with_filter(GetParam(), [] { return is_refused(::ioctl(null(), TCGETS, nullptr)); }),
                testing::ExitedWithCode(0), "");
    EXPECT_EXIT(
        with_filter(GetParam(), [] { return is_refused(static_cast<int>(::syscall(SYS_personality, 0))); }),
        testing::ExitedWithCode(0), "");
}

/// Of setsockopt(2), with bits that the kernel does not look at.
bool sets(int socket, int level, int option) {
    const struct { int first, second; } value{1, 1};
    constexpr unsigned long high = 0x500000000;
    return ::syscall(SYS_setsockopt, socket, high | static_cast<unsigned>(level),
                     high | static_cast<unsigned>(option), &value, sizeof value) == 0;
}

// The socket may be passed to the front or the supervisor, which would wait in close(2) for as long as the
// option says. Taken out (setsockopt with any arguments): this fails.
TEST_P(EveryFilter, LetsNobodyWaitInCloseForTheNetwork) {
    Fd old(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto lingers = [&] { return !sets(old.get(), SOL_SOCKET, SO_LINGER) && errno == EPERM; };
    EXPECT_EXIT(with_filter(GetParam(), lingers), testing::ExitedWithCode(0), "");
}

// Fails when a filter lacks an option that the code sets, which does not look whether it could. (The kernel
// takes some of these values for wrong ones: it was asked then.)
TEST_P(EveryFilter, LetsItsSocketsBeSetUp) {
    Fd old(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    for (const auto& [level, option] : GetParam().sets) {
        const auto is_asked = [&] { return sets(old.get(), level, option) || errno != EPERM; };
        EXPECT_EXIT(with_filter(GetParam(), is_asked), testing::ExitedWithCode(0), "")
            << level << ' ' << option;
    }
}

// Fails when what the sanitizers ask for is in the filters of other builds too.
TEST_P(EveryFilter, HasHolesForSanitizersOnlyWhereTheyAre) {
    if (!sanitizer_calls.empty()) GTEST_SKIP() << "a build with sanitizers";
    if (GetParam().loads_code) GTEST_SKIP() << "the controller's name service makes pipes";
    EXPECT_EXIT(
        with_filter(GetParam(), [] { return is_refused(static_cast<int>(::syscall(SYS_pipe2, 0, 0))); }),
        testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(Of, EveryFilter, testing::ValuesIn(processes),
                         [](const auto& process) { return process.param.name; });

// What only some may do.
// Taken out (sockets of any kind): this fails, and so do the two below.
TEST(Filters, OnlyTheControllerTalksToNameServers) {
    const auto make = [] { return ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0; };
    EXPECT_EXIT(with_filter(processes[0], make), testing::KilledBySignal(SIGSYS), "");
    EXPECT_EXIT(with_filter(processes[1], make), testing::KilledBySignal(SIGSYS), "");
    EXPECT_EXIT(with_filter(processes[2], make), testing::ExitedWithCode(0), "");
}

// Taken out (threads for all): this fails.
TEST(Filters, TheFrontMakesNoSocketAndNoThread) {
    const auto socket = [] { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0; };
    EXPECT_EXIT(with_filter(processes[1], socket), testing::KilledBySignal(SIGSYS), "");
    EXPECT_EXIT(with_filter(processes[1], runs_a_thread), testing::KilledBySignal(SIGSYS), "");
}

// Less trodden parts of the kernel, and none that we use. Taken out (any protocol): this fails.
TEST(Filters, StreamsAreOfTcpAlone) {
    constexpr int mptcp = 262;
    for (const auto& process : {processes[0], processes[2]})
        for (const int protocol : {int{IPPROTO_SCTP}, mptcp}) {
            SCOPED_TRACE(process.name + std::string(" ") + std::to_string(protocol));
            const auto make = [&] { return is_refused(::socket(AF_INET, SOCK_STREAM, protocol)); };
            EXPECT_EXIT(with_filter(process, make), testing::ExitedWithCode(0), "");
        }
}

// All fronts have the same listening sockets: a filter that is locked in would outlive the one that was taken
// over. Taken out (all options for the front): this fails.
TEST(Filters, AFrontLeavesItsListenersAsTheyAre) {
    Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    for (const int option : {SO_ATTACH_FILTER, SO_LOCK_FILTER, SO_ATTACH_BPF, SO_RCVBUF, SO_BINDTODEVICE}) {
        const auto set = [&] { return !sets(listener.get(), SOL_SOCKET, option) && errno == EPERM; };
        EXPECT_EXIT(with_filter(processes[1], set), testing::ExitedWithCode(0), "") << option;
    }
}

TEST(Filters, AWorkerReachesNoSocketOfThisNode) {
    const auto socket = [] { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0; };
    EXPECT_EXIT(with_filter(processes[0], socket), testing::KilledBySignal(SIGSYS), "");
}

}  // namespace stowage::privileges
