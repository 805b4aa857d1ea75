// "Look again": children became ready, or ended.
// Runs in: supervisor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace stowage::supervisor {

/// Whoever waits for a condition over the children looks at it after each tell().
class Changes {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Changes(boost::asio::io_context& io) : timer_(io, Clock::time_point::max()) {}

    void tell() { timer_.cancel(); }
    boost::asio::awaitable<void> wait() {
        boost::system::error_code ignored;
        co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }

  private:
    boost::asio::steady_timer timer_;  ///< never expires
};

}  // namespace stowage::supervisor
