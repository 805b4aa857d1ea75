// Lines of a long answer: written by the work, read by the connection, and neither waits for the other's end.
// Runs in: controller.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <optional>
#include <string>

namespace stowage::controller {

/// One writer, one reader, one thread. When the reader leaves, the work goes on and its lines are dropped.
class EventStream {
  public:
    explicit EventStream(boost::asio::any_io_executor executor) : changed_(std::move(executor)) {}

    void push(std::string line);
    void end();

    /// The next line; nothing after the last one. Bounded by the work, whose every wait is.
    boost::asio::awaitable<std::optional<std::string>> next();
    void abandon();

  private:
    boost::asio::steady_timer changed_;
    std::deque<std::string> lines_;
    bool ended_ = false, abandoned_ = false;
};

}  // namespace stowage::controller
