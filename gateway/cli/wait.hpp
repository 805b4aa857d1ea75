// Waiting for a descriptor with a limit, so that Ctrl-C and a hanging gateway both end in words.
// Runs in: CLI.
#pragma once

#include <signal.h>

#include <chrono>
#include <functional>

#include "gateway/base/result.hpp"

namespace stowage::cli {

/// While one lives, SIGINT, SIGTERM and SIGHUP end a wait_for() with Code::cancelled instead of ending the
/// process. One at a time.
class Interruptible {
  public:
    Interruptible();
    ~Interruptible();
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;

  private:
    sigset_t old_mask_;
    struct sigaction old_actions_[3];
};

/// The signal that ended a wait, or 0.
int caught_signal();

using Deadline = std::chrono::steady_clock::time_point;

/// Blocks until `fd` is ready for `events` (poll(2)) or closed by its peer.
/// @param tick called about ten times a second meanwhile, if set
/// @return Code::timeout after `deadline`, Code::cancelled after a signal
Result<void> wait_for(int fd, short events, Deadline deadline, const std::function<void()>& tick = {});

}  // namespace stowage::cli
