// Starting and reaping children.
// Runs in: supervisor; between clone and exec in the child, which has our memory: it makes only
// async-signal-safe calls and writes to nothing but its own stack.
#include "gateway/supervisor/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <string_view>

#ifndef P_PIDFD
#define P_PIDFD static_cast<idtype_t>(3)
#endif

namespace stowage::supervisor {

namespace asio = boost::asio;

namespace {

// Of 1000, which is what Kubernetes gives pods without requests: those go before a lab's worker, and what
// serves all labs behind it.
constexpr std::string_view goes_first_score = "500";

void bound(__rlimit_resource resource, std::uint64_t most) {
    if (most == 0) return;
    const rlimit limit{most, most};
    if (::setrlimit(resource, &limit) != 0) ::_exit(125);
}

void bound_memory_and_tasks(const ProcessSpec& spec) {
    bound(RLIMIT_DATA, spec.data_bytes);
    bound(RLIMIT_NPROC, spec.most_tasks);
    if (!spec.goes_first) return;
    // Best effort: this is the second line, and no reason not to serve.
    const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0) return;
    [[maybe_unused]] const auto written = ::write(score, goes_first_score.data(), goes_first_score.size());
    ::close(score);
}

/// Descriptors of ours with numbers so low that a child which is given something by them takes no others
/// along: to copy the three of each of 200 workers, and to close them again, cost a login a third of a
/// millisecond.
class Slots {
  public:
    static constexpr unsigned channel = 0, log = 1, program = 2;

    Slots() {
        for (auto& slot : slots_)
            slot = Fd(::fcntl(nothing_.get(), F_DUPFD_CLOEXEC, ipc::supervisor_fd + 2));
    }
    bool are_there() const { return slots_[program].get() >= 0; }
    int operator[](unsigned slot) const { return slots_[slot].get(); }
    int end() const {
        return std::max({slots_[channel].get(), slots_[log].get(), slots_[program].get()}) + 1;
    }

    void put(unsigned slot, int descriptor) { ::dup3(descriptor, slots_[slot].get(), O_CLOEXEC); }
    /// A channel that we held too would never end.
    void clear() {
        for (const auto slot : {channel, log, program})
            put(slot, nothing_.get());
    }

  private:
    Fd nothing_{::open("/dev/null", O_PATH | O_CLOEXEC)};
    std::array<Fd, 3> slots_;
};

struct Start {
    const ProcessSpec& spec;
    const Slots& slots;
    char* const* arguments;
    char* const* environment;
    pid_t parent;
};

[[noreturn]] void become_child(const Start& start) {
    // Until then our descriptors are the supervisor's own.
    if (::syscall(SYS_close_range, start.slots.end(), ~0u, CLOSE_RANGE_UNSHARE) != 0) ::_exit(126);
    for (int number = 1; number < 32; ++number)
        ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != start.parent) ::_exit(127);  // it died before the line above
    const int null = ::open("/dev/null", O_RDWR);
    // Its own session: Ctrl-C on a terminal reaches the supervisor alone, which then drains.
    ::setsid();
    const bool placed = ::dup2(null, 0) == 0 && ::dup2(null, 1) == 1 &&
                        ::dup2(start.slots[Slots::log], 2) == 2 &&
                        ::dup2(start.slots[Slots::channel], ipc::supervisor_fd) == ipc::supervisor_fd;
    if (!placed) ::_exit(126);
    constexpr int program = ipc::supervisor_fd + 1;
    const bool held =
        start.spec.executable.file >= 0 && ::dup3(start.slots[Slots::program], program, O_CLOEXEC) == program;
    ::syscall(SYS_close_range, held ? program + 1 : program, ~0u, 0);
    bound_memory_and_tasks(start.spec);
    if (held) ::syscall(SYS_execveat, program, "", start.arguments, start.environment, AT_EMPTY_PATH);
    // Also a script, whose interpreter could not read it: the descriptor is closed when it begins.
    ::execve(start.arguments[0], start.arguments, start.environment);
    ::_exit(127);
}

int begin_child(void* start) {
    become_child(*static_cast<const Start*>(start));
}

/// As vfork does, without a copy of our page tables, which took longer than a login: until it is another
/// program, the child has our memory, and we wait; it has our descriptors, too, until it lets go of them. No
/// signal may reach it before it has let go of our handlers.
pid_t start_child(const ProcessSpec& spec, int channel, int log, char* const arguments[],
                  char* const environment[]) {
    static Slots slots;
    if (!slots.are_there()) {
        errno = EMFILE;
        return -1;
    }
    slots.put(Slots::channel, channel);
    slots.put(Slots::log, log);
    if (spec.executable.file >= 0) slots.put(Slots::program, spec.executable.file);
    Start start{spec, slots, arguments, environment, ::getpid()};
    alignas(16) static std::array<char, 64 << 10> stack;  // one at a time: we wait
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::clone(begin_child, stack.data() + stack.size(),
                              CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &start);
    const int failed = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    slots.clear();
    errno = failed;
    return pid;
}

}  // namespace

std::string Ending::text() const {
    if (signal) return fmt::format("signal {} ({})", signal, ::strsignal(signal));
    return fmt::format("exit {}", exit_code);
}

Process::Process(asio::any_io_executor executor, pid_t pid, Fd pidfd, ipc::Channel channel,
                 std::shared_ptr<ChildLog> log)
    : pidfd_(executor, pidfd.release()), channel_(std::move(channel)), log_(std::move(log)), pid_(pid) {}

Process::~Process() {
    if (!ended_) {
        signal(SIGKILL);
        siginfo_t info{};
        ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.native_handle()), &info, WEXITED);
    }
}

Result<std::unique_ptr<Process>> Process::start(asio::any_io_executor executor, const ProcessSpec& spec) {
    TRY(auto pair, ipc::make_pair());
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(errno, "pipe");
    Fd log_out(ends[0]), log_in(ends[1]);
    std::vector<std::string> words = {spec.executable.path};
    words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char locale[] = "LANG=C.UTF-8";
    // Standard error is inherited, and so is the knowledge that it is the journal.
    const auto* stream = ::getenv("JOURNAL_STREAM");
    auto journal = fmt::format("JOURNAL_STREAM={}", stream ? stream : "");
    char* const environment[] = {path, locale, stream ? journal.data() : nullptr, nullptr};

    const auto& executable = spec.executable;
    if (executable.file < 0 && ::access(executable.path.c_str(), X_OK) != 0)
        return system_error(errno, "execute " + executable.path);
    const pid_t pid = start_child(spec, pair.second.get(), log_in.get(), arguments.data(), environment);
    if (pid < 0) return system_error(errno, "clone");
    Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) {
        const auto error = system_error(errno, "pidfd_open");
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return error;
    }
    ipc::Channel channel(executor, std::move(pair.first), spec.most_queued);
    auto log = std::make_shared<ChildLog>(executor, std::move(log_out), spec.name);
    asio::co_spawn(executor, ChildLog::follow(log), asio::detached);
    return std::unique_ptr<Process>(
        new Process(executor, pid, std::move(pidfd), std::move(channel), std::move(log)));
}

asio::awaitable<Ending> Process::wait() {
    while (!ended_) {
        siginfo_t info{};
        const int waited =
            ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.native_handle()), &info, WEXITED | WNOHANG);
        if (waited != 0 && errno != EINTR) break;
        if (waited == 0 && info.si_pid == pid_) {
            ended_ = true;
            log_->catch_up();
            if (info.si_code == CLD_EXITED)
                ending_.exit_code = info.si_status;
            else
                ending_.signal = info.si_status;
            break;
        }
        boost::system::error_code failed;
        co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read,
                                   asio::redirect_error(asio::use_awaitable, failed));
        if (failed) break;
    }
    co_return ending_;
}

void Process::kill_after(asio::steady_timer& timer, std::chrono::seconds limit) {
    // The handler has a pidfd of its own: it may run in the moment in which this Process goes.
    auto pidfd = std::make_shared<Fd>(::fcntl(pidfd_.native_handle(), F_DUPFD_CLOEXEC, 0));
    if (!*pidfd) return signal(SIGKILL);  // too many are open: better no answer than none in time
    timer.expires_after(limit);
    timer.async_wait([pidfd](boost::system::error_code cancelled) {
        if (!cancelled) ::syscall(SYS_pidfd_send_signal, pidfd->get(), SIGKILL, nullptr, 0);
    });
}

asio::awaitable<Ending> Process::wait_or_kill(std::chrono::seconds limit) {
    asio::steady_timer timer(pidfd_.get_executor());
    kill_after(timer, limit);
    co_return co_await wait();
}

void Process::signal(int number) {
    if (!ended_) ::syscall(SYS_pidfd_send_signal, pidfd_.native_handle(), number, nullptr, 0);
}

}  // namespace stowage::supervisor
