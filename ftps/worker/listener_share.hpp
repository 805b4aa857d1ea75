// How many ports the sessions of one lab listen on, and who waits for one of them.
// Runs in: worker. Distrusts: how many data connections a client opens at once.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <deque>
#include <functional>

#include "ftps/worker/waiting.hpp"

namespace stowage::ftps {

/// Not more than the lab's share of the ports, so that other labs have some. One thread.
class ListenerShare {
  public:
    /// @param ports how many all labs have together
    /// @param transfers how many of this lab may run at the same time
    ListenerShare(unsigned ports, unsigned transfers);

    unsigned most() const { return most_; }
    bool is_used_up() const { return open_ >= most_; }

    void take() { ++open_; }
    void give_back();

    /// Until there is a place, `given_up()` says so, or `patience` is over; others that wait were first.
    /// @param woken is waited for; to be notified too when given_up() may have changed
    boost::asio::awaitable<void> wait(Event& woken, std::function<bool()> given_up,
                                      std::chrono::steady_clock::duration patience);

  private:
    void call_next();

    unsigned most_, open_ = 0;
    std::deque<Event*> waiting_;
};

}  // namespace stowage::ftps
