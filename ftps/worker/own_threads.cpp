// Handing tasks to threads that wait, or to new ones.
// Runs in: worker.
#include "ftps/worker/own_threads.hpp"

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace stowage::ftps {

namespace {

constexpr std::chrono::seconds idle_limit{3};

}  // namespace

OwnThreads& OwnThreads::of_process() {
    static auto* const threads = new OwnThreads;  // never deleted: its threads are not waited for
    return *threads;
}

bool OwnThreads::run(std::function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        if (idle_ > tasks_.size()) {
            tasks_.push_back(std::move(task));
            given_.notify_one();
            return true;
        }
    }
    try {
        std::thread([this, task = std::move(task)]() mutable {
            std::exchange(task, nullptr)();
            serve();
        }).detach();
    } catch (const std::system_error&) {
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
        if (tasks_.empty()) return;
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        std::exchange(task, nullptr)();
        lock.lock();
    }
}

}  // namespace stowage::ftps
