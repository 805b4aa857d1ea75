// A child process: exec'd with a clean environment, reached over a packet channel, awaited by its pidfd.
// Runs in: supervisor.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/channel.hpp"
#include "gateway/supervisor/child_log.hpp"

namespace stowage::supervisor {

/// A program by its path; with a descriptor it is the file that was there when that was opened, whatever has
/// taken its place since.
struct Executable {
    Executable(std::string path_, int file_ = -1) : path(std::move(path_)), file(file_) {}
    Executable(const char* path_) : path(path_) {}

    std::string path;
    int file = -1;  ///< O_PATH, somebody else's; -1: by the path
};

struct ProcessSpec {
    std::string name;  ///< in the log: "front", "worker:lab1"
    Executable executable;
    std::vector<std::string> arguments = {};             ///< after the name; no secrets
    std::size_t most_queued = ipc::Channel::max_queued;  ///< packets that wait for it
    std::uint64_t data_bytes = 0;                        ///< of memory, at most (RLIMIT_DATA); 0: as ours
    /// Processes and threads of the uid that it takes on, at most (RLIMIT_NPROC); 0: as ours.
    std::uint64_t most_tasks = 0;
    bool goes_first = false;  ///< when the node has no memory left
};

/// How a process ended: "exit 1", "signal 9 (Killed)".
struct Ending {
    int exit_code = -1;
    int signal = 0;
    std::string text() const;
};

/// One running child. The destructor kills it (SIGKILL) and leaves the reaping to wait()'s coroutine or the
/// kernel.
class Process {
  public:
    /// Starts the program. It gets /dev/null, a pipe into our log as standard error, the channel as
    /// descriptor 3 and nothing else, and dies with us.
    static Result<std::unique_ptr<Process>> start(boost::asio::any_io_executor executor,
                                                  const ProcessSpec& spec);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    ipc::Channel& channel() { return channel_; }
    pid_t pid() const { return pid_; }
    bool running() const { return !ended_; }

    /// Suspends until the process has ended, and reaps it.
    boost::asio::awaitable<Ending> wait();
    /// wait(), but after `limit` the process is killed.
    boost::asio::awaitable<Ending> wait_or_kill(std::chrono::seconds limit);
    /// Kills the process when `timer` has run for `limit`; cancelling the timer calls it off.
    void kill_after(boost::asio::steady_timer& timer, std::chrono::seconds limit);
    void signal(int number);

  private:
    Process(boost::asio::any_io_executor executor, pid_t pid, Fd pidfd, ipc::Channel channel,
            std::shared_ptr<ChildLog> log);

    boost::asio::posix::stream_descriptor pidfd_;
    ipc::Channel channel_;
    std::shared_ptr<ChildLog> log_;
    pid_t pid_;
    bool ended_ = false;
    Ending ending_;
};

}  // namespace stowage::supervisor
