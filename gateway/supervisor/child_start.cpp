// clone(2) as vfork(2) does it, with our descriptors too until the child has let go of them.
// Runs in: supervisor; between clone and exec in the child, which has our memory: it makes only
// async-signal-safe calls and writes to nothing but its own stack and errno.
#include "gateway/supervisor/child_start.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "gateway/base/fd.hpp"
#include "gateway/base/ipc.hpp"
#include "gateway/supervisor/process.hpp"

namespace stowage::supervisor {

namespace {

constexpr int program_fd = ipc::supervisor_fd + 1;  // of a program that is given as a descriptor, until exec
constexpr int failed_limits = 125, failed_descriptors = 126, failed_program = 127;

// Of 1000, which is what Kubernetes gives pods without requests: those go before a lab's worker, and what
// serves all labs behind it.
constexpr std::string_view goes_first_score = "500";

bool bound(__rlimit_resource resource, std::uint64_t most) {
    const rlimit limit{most, most};
    return most == 0 || ::setrlimit(resource, &limit) == 0;
}

/// Best effort: this is the second line, and no reason not to serve.
void go_first() {
    const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0) return;
    [[maybe_unused]] const auto written = ::write(score, goes_first_score.data(), goes_first_score.size());
    ::close(score);
}

/// Descriptors with low numbers for what a child is given: it copies all up to them and none above, where
/// those of the workers are, three of each. With 200 workers to copy and to close them cost a login a third
/// of a millisecond. They are made for the first child, which is there before any worker.
class Slots {
  public:
    static Result<std::unique_ptr<Slots>> make() {
        auto slots = std::make_unique<Slots>();
        slots->nothing_ = Fd(::open("/dev/null", O_PATH | O_CLOEXEC));
        if (!slots->nothing_) return system_error(errno, "open /dev/null");
        // Above the numbers that the child moves them to.
        for (auto* slot : {&slots->channel_, &slots->log_, &slots->program_}) {
            *slot = Fd(::fcntl(slots->nothing_.get(), F_DUPFD_CLOEXEC, program_fd + 1));
            if (!*slot) return system_error(errno, "dup /dev/null");
        }
        return slots;
    }

    int channel() const { return channel_.get(); }
    int log() const { return log_.get(); }
    int program() const { return program_.get(); }
    int end() const { return std::max({channel(), log(), program()}) + 1; }

    Result<void> fill(const ChildStart& start) {
        const int file = start.spec.executable.file;
        const bool filled =
            put(channel_, start.channel) && put(log_, start.log) && (file < 0 || put(program_, file));
        if (filled) return {};
        const auto error = system_error(errno, "dup");
        clear();
        return error;
    }
    /// A channel that we held too would never end.
    void clear() {
        for (auto* slot : {&channel_, &log_, &program_})
            put(*slot, nothing_.get());
    }

  private:
    static bool put(const Fd& slot, int descriptor) {
        return ::dup3(descriptor, slot.get(), O_CLOEXEC) == slot.get();
    }

    Fd nothing_, channel_, log_, program_;
};

struct Child {
    const ChildStart& start;
    const Slots& slots;
    pid_t parent;
};

bool take_descriptors(const Child& child) {
    const int null = ::open("/dev/null", O_RDWR);
    return ::dup2(null, 0) == 0 && ::dup2(null, 1) == 1 && ::dup2(child.slots.log(), 2) == 2 &&
           ::dup2(child.slots.channel(), ipc::supervisor_fd) == ipc::supervisor_fd;
}

/// Returns only when it has failed: the exit code.
int become_program(void* argument) {
    const auto& child = *static_cast<const Child*>(argument);
    const auto& start = child.start;
    // Before this the table of descriptors is the supervisor's: nothing may be opened, closed or moved in it.
    if (::syscall(SYS_close_range, child.slots.end(), ~0u, CLOSE_RANGE_UNSHARE) != 0)
        return failed_descriptors;
    // Of the kernel itself: signal(2) of libtsan would forget the supervisor's handlers.
    constexpr unsigned long by_default[4] = {};
    for (int number = 1; number < 32; ++number)
        ::syscall(SYS_rt_sigaction, number, by_default, nullptr, sizeof by_default[0]);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != child.parent) return failed_program;  // it died before the line above
    // Its own session: Ctrl-C on a terminal reaches the supervisor alone, which then drains.
    ::setsid();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (!take_descriptors(child)) return failed_descriptors;
    const bool held = start.spec.executable.file >= 0;
    if (held && ::dup3(child.slots.program(), program_fd, O_CLOEXEC) != program_fd) return failed_descriptors;
    ::syscall(SYS_close_range, held ? program_fd + 1 : program_fd, ~0u, 0);
    if (!bound(RLIMIT_DATA, start.spec.data_bytes) || !bound(RLIMIT_NPROC, start.spec.most_tasks))
        return failed_limits;
    if (start.spec.goes_first) go_first();
    if (held) ::syscall(SYS_execveat, program_fd, "", start.arguments, start.environment, AT_EMPTY_PATH);
    // Also a script, whose interpreter could not read it: the descriptor is closed when it begins.
    ::execve(start.arguments[0], start.arguments, start.environment);
    return failed_program;
}

}  // namespace

Result<pid_t> start_child(const ChildStart& start) {
    static std::unique_ptr<Slots> slots;
    if (!slots) {
        TRY(auto made, Slots::make());
        slots = std::move(made);
    }
    CHECK(slots->fill(start));
    Child child{start, *slots, ::getpid()};
    // One at a time: we wait. Without a page that guards it: what runs on it takes some hundred bytes, and no
    // symbol is left to be bound (-z now).
    alignas(16) static std::array<char, 64 << 10> stack;
    // No signal may reach it before it has let go of our handlers.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    // Without a copy of our page tables, which took longer than a login.
    const pid_t pid = ::clone(become_program, stack.data() + stack.size(),
                              CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &child);
    const int failed = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    slots->clear();
    if (pid < 0) return system_error(failed, "clone");
    return pid;
}

}  // namespace stowage::supervisor
