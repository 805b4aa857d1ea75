// Rounds of fsync(2), joined by whoever comes before one starts.
// Runs in: worker, on the transfer threads.
#include "ftps/worker/group_sync.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace stowage::ftps {

int sync_directory(int directory) {
    if (::fsync(directory) == 0) return 0;
    return errno == EINVAL || errno == ENOSYS ? 0 : errno;
}

Result<void> GroupSync::sync(int directory) {
    struct stat seen {};
    if (::fstat(directory, &seen) != 0) return system_error(errno, "fstat of a directory");
    const std::pair key{seen.st_dev, seen.st_ino};

    std::unique_lock lock(mutex_);
    auto& round = rounds_[key];
    ++round.waiting;
    const auto needed = round.started + 1;
    int error_number = 0;
    for (;;) {
        if (round.finished >= needed) {
            if (round.failed >= needed) error_number = round.error_number;
            break;
        }
        if (round.running) {
            changed_.wait(lock);
            continue;
        }
        round.running = true;
        ++round.started;
        lock.unlock();
        const int outcome = sync_directory(directory);
        lock.lock();
        round.running = false;
        round.finished = round.started;
        if (outcome != 0) {
            round.failed = round.finished;
            round.error_number = outcome;
        }
        changed_.notify_all();
    }
    if (--round.waiting == 0) rounds_.erase(key);
    if (error_number != 0) return system_error(error_number, "fsync of the directory");
    return {};
}

}  // namespace stowage::ftps
