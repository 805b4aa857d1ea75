// A worker whose work lasts, on a fast machine and on a busy one. Runs in: tests only (root).
#pragma once

#include <signal.h>

#include <chrono>
#include <thread>

namespace stowage::ftps::rig {

/// A worker that runs a twentieth of the time, as if its disk were slow: what it does lasts, and fills
/// neither memory nor disk.
class SlowMotion {
  public:
    explicit SlowMotion(pid_t pid)
        : thread_([pid](const std::stop_token& stop) {
              while (!stop.stop_requested()) {
                  ::kill(pid, SIGSTOP);
                  std::this_thread::sleep_for(std::chrono::milliseconds(95));
                  ::kill(pid, SIGCONT);
                  std::this_thread::sleep_for(std::chrono::milliseconds(5));
              }
          }) {}

  private:
    std::jthread thread_;
};

}  // namespace stowage::ftps::rig
