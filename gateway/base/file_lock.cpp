// flock(2) with a limit.
// Runs in: root_step, the Ganesha launcher.
#include "gateway/base/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace stowage {

namespace {

/// Interrupts system calls of this thread with EINTR once `limit` is over, and every tenth of a second from
/// then on: a single signal could come just before the call.
class Interruption {
  public:
    explicit Interruption(std::chrono::seconds limit) {
        struct sigaction action {};
        action.sa_handler = [](int) {};  // without SA_RESTART
        ::sigaction(SIGALRM, &action, nullptr);
        sigevent event{};
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = SIGALRM;
        event._sigev_un._tid = ::gettid();
        if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0)
            throw Fatal(system_error(errno, "timer_create"));
        itimerspec times{};
        times.it_value.tv_sec = limit.count();
        times.it_value.tv_nsec = 1;  // zero would be "never"
        times.it_interval.tv_nsec = 100'000'000;
        ::timer_settime(timer_, 0, &times, nullptr);
    }
    ~Interruption() { ::timer_delete(timer_); }
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;

  private:
    timer_t timer_{};
};

}  // namespace

Result<Fd> lock_file(const std::string& path, Lock lock, std::chrono::seconds limit) {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return system_error(errno, "open " + path);
    const int operation = lock == Lock::shared ? LOCK_SH : LOCK_EX;
    if (::flock(fd.get(), operation | LOCK_NB) == 0) return fd;
    const auto deadline = std::chrono::steady_clock::now() + limit;
    const Interruption interruption(limit);
    while (::flock(fd.get(), operation) != 0) {
        if (errno != EINTR) return system_error(errno, "lock " + path);
        if (std::chrono::steady_clock::now() >= deadline)
            return Error{Code::unavailable,
                         fmt::format("another step has held {} for {} s", path, limit.count()),
                         "it is tried again; see `stowage status` for what runs"};
    }
    return fd;
}

}  // namespace stowage
