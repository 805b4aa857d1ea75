// The queue of an EventStream.
// Runs in: controller.
#include "gateway/controller/control/event_stream.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace stowage::controller {

void EventStream::push(std::string line) {
    if (abandoned_) return;
    lines_.push_back(std::move(line));
    changed_.cancel();
}

void EventStream::end() {
    ended_ = true;
    changed_.cancel();
}

boost::asio::awaitable<std::optional<std::string>> EventStream::next() {
    while (lines_.empty() && !ended_) {
        changed_.expires_at(boost::asio::steady_timer::time_point::max());
        boost::system::error_code ignored;
        co_await changed_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    if (lines_.empty()) co_return std::nullopt;
    auto line = std::move(lines_.front());
    lines_.pop_front();
    co_return line;
}

void EventStream::abandon() {
    abandoned_ = true;
    lines_.clear();
}

}  // namespace stowage::controller
