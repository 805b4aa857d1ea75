// The way by which the data connection of one command comes in: a port of ours, or one of the client's.
// Runs in: worker: made on the main thread, waited at on a transfer thread. Distrusts: who connects, and
// when.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "ftps/worker/listener_share.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// The ends of the control connection, which are those of data connections too.
struct Ends {
    boost::asio::ip::address local;  ///< what the client reached
    boost::asio::ip::address bound;  ///< our own end, where listeners are bound: another one behind a proxy
    boost::asio::ip::address peer;   ///< the client
};

/// Accepts from the peer of the control connection only, connects to it only. Connections from
/// `proxy_networks` must begin with a PROXY header and come from whom that names. A transfer thread blocks in
/// here: an event loop would have to be woken for each step of a small file. Any thread may call cancel().
class DataDoor {
  public:
    using Clock = std::chrono::steady_clock;
    using Endpoint = boost::asio::ip::tcp::endpoint;

    /// @param listener does not block; `share` has counted it
    DataDoor(Ends ends, const std::vector<std::string>& proxy_networks, Fd listener, ListenerShare& share);
    DataDoor(Ends ends, Endpoint target);
    ~DataDoor() { shut(); }
    DataDoor(const DataDoor&) = delete;
    DataDoor& operator=(const DataDoor&) = delete;

    /// A socket that listens at `where`; not open, with errno set, if it cannot.
    static Fd listen_at(const Endpoint& where);

    bool is_passive() const { return share_ != nullptr; }
    bool is_open() const;
    /// True if somebody has connected already.
    bool somebody_waits() const;

    /// A connected, blocking socket. Connections from other addresses are closed and the wait goes on.
    /// Code::timeout after `limit`, Code::cancelled by cancel(). A listener stays open until shut(), for
    /// whoever comes next.
    Result<Fd> connect(Clock::duration limit);
    /// Ends a connect() that waits, and refuses those to come.
    void cancel();
    /// Closes the port, and gives its place back. Not while another thread is in connect().
    void shut();

  private:
    Result<Fd> accept_peer(Clock::time_point deadline);
    Result<Fd> accept_one(boost::asio::ip::address& from, Clock::time_point deadline);
    Result<boost::asio::ip::address> origin_of(const Fd& socket, const boost::asio::ip::address& from) const;
    Result<Fd> connect_to_peer(Clock::time_point deadline);
    Error cancelled() const;

    const Ends ends_;
    const std::vector<std::string>* proxy_networks_ = nullptr;
    ListenerShare* share_ = nullptr;
    const Endpoint target_;

    mutable std::mutex mutex_;
    Fd socket_;  // listens, or is being connected
    bool over_ = false;
};

}  // namespace stowage::ftps
