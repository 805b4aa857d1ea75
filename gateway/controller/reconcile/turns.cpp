// The queues behind Turns.
// Runs in: controller.
#include "gateway/controller/reconcile/turns.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <map>

namespace stowage::controller {

namespace asio = boost::asio;

struct Turns::State {
    struct Waiting {
        explicit Waiting(const asio::any_io_executor& executor) : timer(executor) {}
        asio::steady_timer timer;
        bool called = false;
    };
    struct Queue {
        unsigned holders = 0;
        std::deque<std::shared_ptr<Waiting>> waiting = {};
    };

    asio::any_io_executor executor;
    unsigned capacity;
    std::map<std::string, Queue> queues = {};

    std::size_t others_before(const std::string& key, const std::shared_ptr<Waiting>& self) const {
        const auto& queue = queues.at(key);
        const auto place = std::find(queue.waiting.begin(), queue.waiting.end(), self);
        return queue.holders + static_cast<std::size_t>(place - queue.waiting.begin());
    }

    /// The place of the one who leaves goes to the next in line, if there is one.
    void leave(const std::string& key) {
        auto& queue = queues[key];
        if (queue.waiting.empty()) {
            if (--queue.holders == 0) queues.erase(key);
            return;
        }
        const auto next = std::move(queue.waiting.front());
        queue.waiting.pop_front();
        next->called = true;
        next->timer.cancel();
    }
};

Turns::Turn::~Turn() {
    if (state_) state_->leave(key_);
}

Turns::Turns(asio::any_io_executor executor, unsigned capacity)
    : state_(std::make_shared<State>(State{std::move(executor), capacity})) {}

bool Turns::is_waited_for(const std::string& key) const {
    const auto queue = state_->queues.find(key);
    return queue != state_->queues.end() && !queue->second.waiting.empty();
}

asio::awaitable<Result<Turns::Turn>> Turns::take(std::string key, std::chrono::seconds limit,
                                                 OnWait on_wait) {
    const auto state = state_;
    auto& queue = state->queues[key];
    if (queue.holders < state->capacity) {
        ++queue.holders;
        co_return Turn(state, key);
    }
    const auto self = std::make_shared<State::Waiting>(state->executor);
    queue.waiting.push_back(self);
    const auto until = std::chrono::steady_clock::now() + limit;
    boost::system::error_code ignored;
    if (on_wait && limit > silence) {
        self->timer.expires_after(silence);
        co_await self->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        if (!self->called) on_wait(state->others_before(key, self));
    }
    if (!self->called) {
        self->timer.expires_at(until);
        co_await self->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    if (self->called) co_return Turn(state, key);
    std::erase(state->queues[key].waiting, self);
    co_return Error{Code::in_use, key + " is still being worked on by an earlier request",
                    "see `stowage status`, and try again when that is done"};
}

}  // namespace stowage::controller
