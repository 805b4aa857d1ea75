// Waits of coroutines: for an event, for blocking work on other threads.
// Runs in: worker.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "ftps/worker/own_threads.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;

/// Something that happens now and then; one coroutine may wait for it. One thread.
class Event {
  public:
    explicit Event(asio::any_io_executor executor) : timer_(std::move(executor)) {}

    void notify() {
        happened_ = true;
        timer_.cancel();
    }
    /// True if notify() was called since the last wait, or is within `limit`.
    asio::awaitable<bool> wait(std::chrono::steady_clock::duration limit);

  private:
    asio::steady_timer timer_;
    bool happened_ = false;
};

/// `work()` of a Result, its exceptions turned into Code::internal: a thread has no other way to tell.
template <typename Work>
std::invoke_result_t<Work&> guarded(Work& work) {
    try {
        return work();
    } catch (const Fatal& fatal) {
        return fatal.error();
    } catch (const std::exception& error) {
        return Error{Code::internal, error.what()};
    }
}

/// Runs `work` where `start` puts it, and resumes the coroutine on its own executor with the Result.
/// `start` takes a function object and calls it on another thread.
template <typename Start, typename Work>
asio::awaitable<std::invoke_result_t<Work&>> elsewhere(Start start, Work work) {
    using Outcome = std::invoke_result_t<Work&>;
    auto initiate = [](auto handler, Start start_, Work work_) {
        auto executor = asio::get_associated_executor(handler);
        start_([handler = std::move(handler), executor, work = std::move(work_)]() mutable {
            auto outcome = guarded(work);
            asio::post(executor, [handler = std::move(handler), outcome = std::move(outcome)]() mutable {
                std::move(handler)(std::move(outcome));
            });
        });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Outcome)>(
        initiate, asio::use_awaitable, std::move(start), std::move(work));
}

// GCC 12 destroys a capturing lambda twice when it is a temporary of a co_await expression: give `work` a
// name first, and move it in.

/// Short file operations: on one of the pool's threads.
template <typename Work>
auto on_pool(asio::thread_pool& pool, Work work) {
    return elsewhere([&pool](auto task) { asio::post(pool, std::move(task)); }, std::move(work));
}

/// Transfers: each on a thread of its own, so that none waits for another. Code::unavailable when the system
/// has no more threads to give: on the pool's they would keep every short operation of the lab waiting.
template <typename Work>
auto on_own_thread(Work work) {
    const auto refused = std::make_shared<bool>(false);
    auto unless_refused = [refused, work = std::move(work)]() mutable -> std::invoke_result_t<Work&> {
        if (*refused)
            return Error{Code::unavailable, "the server has no thread left for this", "try again later"};
        return work();
    };
    auto start = [refused](auto task) {
        const auto shared = std::make_shared<decltype(task)>(std::move(task));
        if (OwnThreads::of_process().run([shared] { (*shared)(); })) return;
        *refused = true;
        (*shared)();
    };
    return elsewhere(std::move(start), std::move(unless_refused));
}

}  // namespace stowage::ftps
