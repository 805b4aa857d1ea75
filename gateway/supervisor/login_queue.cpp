// The queue in front of PAM.
// Runs in: supervisor.
#include "gateway/supervisor/login_queue.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace stowage::supervisor {

namespace asio = boost::asio;

bool LoginQueue::has_room(const std::string& network) const {
    if (under_way_ >= most_) return false;
    const auto found = by_network_.find(network);
    return found == by_network_.end() || found->second < most_of_network_(network);
}

void LoginQueue::admit(const std::string& network) {
    ++under_way_;
    ++by_network_[network];
}

asio::awaitable<bool> LoginQueue::enter(std::string network, std::chrono::steady_clock::duration limit) {
    if (has_room(network)) {
        admit(network);
        co_return true;
    }
    if (waiting_.size() >= most_waiting_) co_return false;
    const auto place = waiting_.insert(waiting_.end(), {network, asio::steady_timer(executor_, limit)});
    boost::system::error_code ignored;  // cancelled when it is our turn
    co_await place->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    const bool admitted = place->admitted;
    waiting_.erase(place);
    co_return admitted;
}

void LoginQueue::leave(const std::string& network) {
    --under_way_;
    const auto found = by_network_.find(network);
    if (found != by_network_.end() && --found->second == 0) by_network_.erase(found);
    admit_next();
}

// One left: one comes in. Whoever was told stays in the list until its coroutine runs.
void LoginQueue::admit_next() {
    for (auto& waiting : waiting_) {
        if (waiting.admitted || !has_room(waiting.network)) continue;
        waiting.admitted = true;
        admit(waiting.network);
        waiting.timer.cancel();
        return;
    }
}

}  // namespace stowage::supervisor
