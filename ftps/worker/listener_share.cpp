// The line in front of a lab's data ports.
// Runs in: worker.
#include "ftps/worker/listener_share.hpp"

#include <algorithm>

namespace stowage::ftps {

// Twice as many as transfers may run: some clients prepare the next one while one runs.
ListenerShare::ListenerShare(unsigned ports, unsigned transfers)
    : most_(std::max(1u, std::min(ports / 2, 2 * transfers))) {}

void ListenerShare::give_back() {
    --open_;
    call_next();
}

void ListenerShare::call_next() {
    if (!is_used_up() && !waiting_.empty()) waiting_.front()->notify();
}

// Whoever goes, with the place or without the one that it was called for, calls the next one.
asio::awaitable<void> ListenerShare::wait(Event& woken, std::function<bool()> given_up,
                                          std::chrono::steady_clock::duration patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    waiting_.push_back(&woken);
    while ((is_used_up() || waiting_.front() != &woken) && !given_up()) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left.count() <= 0 || !co_await woken.wait(left)) break;
    }
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &woken));
    call_next();
}

}  // namespace stowage::ftps
