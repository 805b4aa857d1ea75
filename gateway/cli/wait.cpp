// ppoll with the signals let through only while it waits: no race between looking and sleeping.
// Runs in: CLI.
#include "gateway/cli/wait.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace stowage::cli {

namespace {

constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP};
volatile sig_atomic_t caught = 0;
sigset_t mask_while_waiting;
bool mask_is_set = false;

void remember(int signal) {
    caught = signal;
}

timespec to_timespec(std::chrono::milliseconds time) {
    return {.tv_sec = static_cast<time_t>(time.count() / 1000), .tv_nsec = (time.count() % 1000) * 1'000'000};
}

}  // namespace

Interruptible::Interruptible() {
    struct sigaction action {};
    action.sa_handler = remember;
    sigset_t blocked;
    sigemptyset(&blocked);
    for (int i = 0; i < 3; ++i) {
        sigaction(signals[i], &action, &old_actions_[i]);
        // A caller that ignores a signal (nohup) goes on ignoring it.
        if (old_actions_[i].sa_handler == SIG_IGN) sigaction(signals[i], &old_actions_[i], nullptr);
        sigaddset(&blocked, signals[i]);
    }
    sigprocmask(SIG_BLOCK, &blocked, &old_mask_);
    mask_while_waiting = old_mask_;
    mask_is_set = true;
}

Interruptible::~Interruptible() {
    mask_is_set = false;
    // A signal that came after the last wait is delivered here to the handler: main() sees it by
    // caught_signal().
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
    for (int i = 0; i < 3; ++i)
        sigaction(signals[i], &old_actions_[i], nullptr);
}

int caught_signal() {
    return caught;
}

Result<void> wait_for(int fd, short events, Deadline deadline, const std::function<void()>& tick) {
    using namespace std::chrono;
    for (;;) {
        if (caught != 0) return Error{Code::cancelled, "interrupted"};
        const auto left = duration_cast<milliseconds>(deadline - steady_clock::now());
        if (left <= 0ms) return Error{Code::timeout, "no answer in time"};
        const auto time = to_timespec(tick ? std::min<milliseconds>(left, 100ms) : left);
        pollfd poll{.fd = fd, .events = events, .revents = 0};
        const int ready = ppoll(&poll, 1, &time, mask_is_set ? &mask_while_waiting : nullptr);
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return system_error(errno, "poll");
        if (tick) tick();
    }
}

}  // namespace stowage::cli
