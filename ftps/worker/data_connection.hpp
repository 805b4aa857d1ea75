// Data connections of a session: one listener or one target at a time.
// Runs in: worker, on the main thread. Distrusts: the client's choice of moment.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ftps/worker/data_door.hpp"

namespace stowage::ftps {

/// One thread, but what use() gives is the transfer's.
class DataConnection {
  public:
    /// @param proxy_networks, share: must live as long as this
    DataConnection(boost::asio::any_io_executor executor, Ends ends,
                   const std::vector<std::string>& proxy_networks, ListenerShare& share);
    ~DataConnection();
    DataConnection(const DataConnection&) = delete;
    DataConnection& operator=(const DataConnection&) = delete;

    /// PASV, EPSV: a listener on a free port of the range; the one before is closed. Code::unavailable if all
    /// are taken, or all of the lab's share. Returns the port. It is closed when no command has used it
    /// within `limit`.
    Result<std::uint16_t> listen(std::uint16_t port_min, std::uint16_t port_max,
                                 std::chrono::steady_clock::duration limit);
    /// PORT, EPRT: Code::denied unless it is the peer's own address and a port from 1024 on (RFC 2577 §3).
    Result<void> aim(const boost::asio::ip::address& address, std::uint16_t port);

    bool is_prepared() const { return door_ && door_->is_open(); }

    /// For the command that begins; nothing closes it for being unused until not_used() was called.
    std::shared_ptr<DataDoor> use();
    /// That command did not come to it: what was prepared is there for the next one.
    void not_used();

    /// Ends a connect() that waits.
    void cancel();
    void reset();

    const boost::asio::ip::address& local() const { return ends_.local; }
    const boost::asio::ip::address& peer() const { return ends_.peer; }

  private:
    using Clock = std::chrono::steady_clock;

    void close_when_unused();

    Ends ends_;
    const std::vector<std::string>& proxy_networks_;
    ListenerShare& share_;
    std::shared_ptr<DataDoor> door_;
    Clock::duration limit_{};
    Clock::time_point unused_until_ = Clock::time_point::max();
    // One for all listeners of the session: it looks when it runs out, and nothing is set anew for each file.
    boost::asio::steady_timer timer_;
    bool timer_runs_ = false;
    std::shared_ptr<DataConnection*> self_;  // null in it: the timer that runs out now has nothing to do
};

}  // namespace stowage::ftps
