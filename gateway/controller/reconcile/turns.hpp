// Turns: who may go on, and who waits, by key.
// Runs in: controller.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gateway/base/result.hpp"

namespace stowage::controller {

/// At most `capacity` holders per key at a time; the others wait in the order in which they came. One thread.
class Turns {
    struct State;

  public:
    /// Held until destroyed.
    class Turn {
      public:
        Turn(Turn&& other) noexcept : state_(std::move(other.state_)), key_(std::move(other.key_)) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn();

      private:
        friend class Turns;
        Turn(std::shared_ptr<State> state, std::string key)
            : state_(std::move(state)), key_(std::move(key)) {}
        std::shared_ptr<State> state_;
        std::string key_;
    };

    Turns(boost::asio::any_io_executor executor, unsigned capacity);

    /// Of how many others there are, those who hold a place and those before in line.
    using OnWait = std::function<void(std::size_t others)>;
    static constexpr std::chrono::seconds silence{2};

    /// Waits for a turn; Code::in_use after `limit`. Who has waited for `silence` is told of it once.
    boost::asio::awaitable<Result<Turn>> take(std::string key, std::chrono::seconds limit,
                                              OnWait on_wait = {});
    bool is_waited_for(const std::string& key) const;

  private:
    std::shared_ptr<State> state_;
};

}  // namespace stowage::controller
