// How many ports the sessions of one lab listen on, and who waits for one of them.
// Runs in: worker. Distrusts: how many data connections a client opens at once.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <deque>
#include <functional>

#include "ftps/worker/waiting.hpp"

namespace stowage::ftps {

/// Not more than the lab's share of the ports, so that other labs have some. One thread, but for
/// give_back().
class ListenerShare {
  public:
    /// @param executor where those that wait are called
    /// @param ports how many all labs have together
    /// @param transfers how many of this lab may run at the same time
    ListenerShare(boost::asio::any_io_executor executor, unsigned ports, unsigned transfers);

    unsigned most() const { return most_; }
    bool is_used_up() const { return open_ >= most_; }

    void take() { ++open_; }
    /// Any thread.
    void give_back();

    /// Until there is a place, `given_up()` says so, or `patience` is over; others that wait were first.
    /// @param woken is waited for; to be notified too when given_up() may have changed
    boost::asio::awaitable<void> wait(Event& woken, std::function<bool()> given_up,
                                      std::chrono::steady_clock::duration patience);

  private:
    void call_next();

    boost::asio::any_io_executor executor_;
    unsigned most_;
    // Both are written before the other is read: whoever gives a place back sees somebody wait, or that one
    // sees the place.
    std::atomic<unsigned> open_{0};
    std::atomic<std::size_t> waiters_{0};
    std::deque<Event*> waiting_;
};

}  // namespace stowage::ftps
