// One fsync(2) of a directory for all uploads that finish in it at the same time.
// Runs in: worker, on the transfer threads.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// fsync(2) of a directory where the filesystem has it. Blocks. 0 or an errno.
int sync_directory(int directory);

/// Concurrent callers share: a sync that starts after the call covers it, so that at most two run per
/// directory for any number of callers. (The filesystem's journal groups concurrent fsyncs of the files
/// themselves.)
class GroupSync {
  public:
    /// Returns when a sync that began after the call has ended. Blocks. The error of that sync goes to all
    /// that it covered.
    Result<void> sync(int directory);

  private:
    struct Round {
        std::uint64_t started = 0, finished = 0;  // numbers of syncs
        std::uint64_t failed = 0;                 // number of the last one that failed, with its error
        int error_number = 0;
        unsigned waiting = 0;
        bool running = false;
    };

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::pair<dev_t, ino_t>, Round> rounds_;
};

}  // namespace stowage::ftps
