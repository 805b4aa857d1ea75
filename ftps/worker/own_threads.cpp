// Handing tasks to threads that wait, or to new ones.
// Runs in: worker.
#include "ftps/worker/own_threads.hpp"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "gateway/base/line_limit.hpp"

namespace stowage::ftps {

namespace {

constexpr std::chrono::seconds idle_limit{3};
// A transfer's buffers are 256 KiB each.
constexpr int kept_block_bytes = 1 << 20, kept_bytes = 8 << 20;

/// Whoever else runs as the lab's uid on this machine, in a container say, takes threads of the same limit.
void tell_that_there_is_none(std::size_t living, const char* why) {
    static log::LineLimit seldom(1);
    rlimit tasks{};
    (void)::getrlimit(RLIMIT_NPROC, &tasks);
    const auto most = tasks.rlim_cur == RLIM_INFINITY ? -1 : static_cast<std::int64_t>(tasks.rlim_cur);
    log::write_limited(seldom, log::Level::warning, "no_thread",
                       {{"why", why},
                        {"uid", static_cast<std::uint64_t>(::getuid())},
                        {"threads_of_transfers", living},
                        {"limit_of_uid", most},
                        {"remedy", "look who else runs as this uid on this machine: ps -L -u UID"}});
}

}  // namespace

OwnThreads& OwnThreads::of_process() {
    static auto* const threads = new OwnThreads;  // never deleted: its threads are not waited for
    return *threads;
}

bool OwnThreads::run(std::function<void()> task) {
    {
        std::unique_lock lock(mutex_);
        if (idle_ > tasks_.size()) {
            tasks_.push_back(std::move(task));
            lock.unlock();
            given_.notify_one();  // behind the lock, on which it would wait again
            return true;
        }
        ++living_;
    }
    try {
        std::thread([this, task = std::move(task)]() mutable {
            std::exchange(task, nullptr)();
            serve();
        }).detach();
    } catch (const std::exception& problem) {  // no thread, or no memory for one
        std::unique_lock lock(mutex_);
        const auto left = --living_;
        lock.unlock();
        tell_that_there_is_none(left, problem.what());
        return false;
    }
    return true;
}

void OwnThreads::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        given_.wait_for(lock, idle_limit, [this] { return !tasks_.empty(); });
        --idle_;
        if (tasks_.empty()) break;
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        std::exchange(task, nullptr)();
        lock.lock();
    }
    if (--living_ > 0) return;
    lock.unlock();
    // What transfers have used is kept for the next ones, see keep_memory_of_transfers(); now there are none.
    (void)::malloc_trim(0);
}

void keep_stacks_small() {
    pthread_attr_t attributes;
    if (::pthread_attr_init(&attributes) != 0) return;
    if (::pthread_attr_setstacksize(&attributes, stack_bytes) == 0)
        (void)::pthread_setattr_default_np(&attributes);
    (void)::pthread_attr_destroy(&attributes);
}

void keep_memory_of_transfers() {
    // One arena: of others malloc_trim() leaves the top, and with it most of what large buffers were.
    (void)::mallopt(M_ARENA_MAX, 1);
    (void)::mallopt(M_MMAP_THRESHOLD, kept_block_bytes);
    (void)::mallopt(M_TRIM_THRESHOLD, kept_bytes);
}

}  // namespace stowage::ftps
