// The line in front of a lab's data ports.
// Runs in: worker.
#include "ftps/worker/listener_share.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace stowage::ftps {

// Twice as many as transfers may run: some clients prepare the next one while one runs.
ListenerShare::ListenerShare(asio::any_io_executor executor, unsigned ports, unsigned transfers)
    : executor_(std::move(executor)), most_(std::max(1u, std::min(ports / 2, 2 * transfers))) {}

void ListenerShare::give_back() {
    --open_;
    if (waiters_ > 0) asio::post(executor_, [this] { call_next(); });
}

void ListenerShare::call_next() {
    if (!is_used_up() && !waiting_.empty()) waiting_.front()->notify();
}

// Whoever goes, with the place or without the one that it was called for, calls the next one.
asio::awaitable<void> ListenerShare::wait(Event& woken, std::function<bool()> given_up,
                                          std::chrono::steady_clock::duration patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    waiting_.push_back(&woken);
    waiters_ = waiting_.size();
    while ((is_used_up() || waiting_.front() != &woken) && !given_up()) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left.count() <= 0 || !co_await woken.wait(left)) break;
    }
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &woken));
    waiters_ = waiting_.size();
    call_next();
}

}  // namespace stowage::ftps
