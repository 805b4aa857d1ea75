// Threads for work that may take long: transfers, hashes, archives.
// Runs in: worker.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace stowage::ftps {

/// Each task has a thread to itself, so that none waits for another. A thread whose task has ended stays for
/// a while and takes the next one: for a thousand small files a thread is not made a thousand times. Any
/// thread may call.
class OwnThreads {
  public:
    /// The one of this process; it lives until the process ends.
    static OwnThreads& of_process();

    /// False if the system has no more threads to give; the task was not taken then.
    bool run(std::function<void()> task);

  private:
    void serve();

    std::mutex mutex_;
    std::condition_variable given_;
    std::deque<std::function<void()>> tasks_;
    std::size_t idle_ = 0, living_ = 0;
};

/// At the start of the process: a thread's stack is this large, not 8 MiB. Its memory counts whole where the
/// supervisor ends a worker that has too much (memory_of_transfer), and a transfer may have four threads.
inline constexpr std::size_t stack_bytes = 2 << 20;
void keep_stacks_small();

/// At the start of the process: buffers that one transfer gives back are the next one's, not the system's.
/// That costs a small file more than its bytes do. The last thread that goes gives everything back.
void keep_memory_of_transfers();

}  // namespace stowage::ftps
