// Turns at PAM: so many at once in all, fewer from one address.
// Runs in: supervisor. Distrusts: how many ask, from how many addresses.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <string>

namespace stowage::supervisor {

/// First come, first served, but for those whose own address has enough under way: they are passed by. One
/// thread.
class LoginQueue {
  public:
    /// How many of a network may be under way at once; asked again whenever there may be room.
    using MostOfNetwork = std::function<std::size_t(const std::string& network)>;

    LoginQueue(boost::asio::any_io_executor executor, std::size_t most, std::size_t most_waiting,
               MostOfNetwork most_of_network)
        : executor_(std::move(executor)),
          most_(most),
          most_waiting_(most_waiting),
          most_of_network_(std::move(most_of_network)) {}
    LoginQueue(const LoginQueue&) = delete;
    LoginQueue& operator=(const LoginQueue&) = delete;

    /// Suspends until it is this one's turn: then leave() must follow. False when that takes longer than
    /// `limit`, or too many wait.
    boost::asio::awaitable<bool> enter(std::string network, std::chrono::steady_clock::duration limit);
    void leave(const std::string& network);

    std::size_t under_way() const { return under_way_; }

  private:
    struct Waiting {
        std::string network;
        boost::asio::steady_timer timer;
        bool admitted = false;
    };

    bool has_room(const std::string& network) const;
    void admit(const std::string& network);
    void admit_next();

    boost::asio::any_io_executor executor_;
    std::size_t most_, most_waiting_, under_way_ = 0;
    MostOfNetwork most_of_network_;
    std::map<std::string, std::size_t, std::less<>> by_network_;
    std::list<Waiting> waiting_;
};

}  // namespace stowage::supervisor
