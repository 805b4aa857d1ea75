// Starting and reaping children.
// Runs in: supervisor.
#include "gateway/supervisor/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "gateway/supervisor/child_start.hpp"

#ifndef P_PIDFD
#define P_PIDFD static_cast<idtype_t>(3)
#endif

namespace stowage::supervisor {

namespace asio = boost::asio;

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
    TRY(const auto pid, start_child({spec, pair.second.get(), log_in.get(), arguments.data(), environment}));
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
