// Something that others wait for, once.
// Runs in: controller.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace stowage::controller {

/// Closed at first, then open for ever. One thread; whoever opens it outlives nobody's wait.
class Gate {
  public:
    explicit Gate(const boost::asio::any_io_executor& executor)
        : opened_(executor, boost::asio::steady_timer::time_point::max()) {}

    void open() {
        is_open_ = true;
        opened_.cancel();
    }
    boost::asio::awaitable<void> wait() {
        boost::system::error_code ignored;
        while (!is_open_)
            co_await opened_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }

  private:
    boost::asio::steady_timer opened_;
    bool is_open_ = false;
};

}  // namespace stowage::controller
