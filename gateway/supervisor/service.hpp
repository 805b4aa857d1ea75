// A child that always runs: started, served, restarted with backoff.
// Runs in: supervisor.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "gateway/supervisor/admission.hpp"
#include "gateway/supervisor/context.hpp"
#include "gateway/supervisor/process.hpp"

namespace stowage::supervisor {

/// What `stowage status` shows of a child.
struct ServiceStatus {
    std::string name;
    pid_t pid = 0;
    std::uint32_t restarts = 0;
    std::chrono::system_clock::time_point started_at{};
    bool ready = false, was_ready = false;  ///< now, ever
};

/// Longer and longer waits between restarts: 0.1 s doubling to 30 s, back to the start after a minute of good
/// running.
class Backoff {
  public:
    std::chrono::milliseconds after_running(std::chrono::steady_clock::duration lasted);

  private:
    std::chrono::milliseconds next_{100};
};

/// Serves one run of the child: sends what it needs, answers what it asks, returns why it ended.
using Serve = std::function<boost::asio::awaitable<Error>(Process&)>;

/// Starts the child again and again until the supervisor drains. A run whose serve() returned Code::protocol
/// is killed; any other is given five seconds to exit by itself.
boost::asio::awaitable<void> keep_running(Context& context, ServiceStatus& status, ProcessSpec spec,
                                          Serve serve);

/// The next packet if it is one that `peer` may send now. Code::protocol otherwise.
boost::asio::awaitable<Result<ipc::Packet>> receive_admitted(ipc::Channel& channel, Peer peer, bool ready);

/// Suspends for `time`.
boost::asio::awaitable<void> pause_for(std::chrono::milliseconds time);

}  // namespace stowage::supervisor
