// Data connections of a session: one listener or one target at a time.
// Runs in: worker. Distrusts: who connects, and the client's choice of moment.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
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

/// One thread. Accepts from the peer of the control connection only, connects to it only. Connections from
/// `proxy_networks` must begin with a PROXY header and come from whom that names.
class DataConnection {
  public:
    /// @param proxy_networks, share: must live as long as this
    DataConnection(boost::asio::any_io_executor executor, Ends ends,
                   const std::vector<std::string>& proxy_networks, ListenerShare& share);
    ~DataConnection();
    DataConnection(const DataConnection&) = delete;
    DataConnection& operator=(const DataConnection&) = delete;

    /// PASV, EPSV: a listener on a free port of the range; the one before is closed. Code::unavailable if all
    /// are taken, or all of the lab's share. Returns the port. It is closed when connect() is not called
    /// within `limit`.
    Result<std::uint16_t> listen(std::uint16_t port_min, std::uint16_t port_max,
                                 std::chrono::steady_clock::duration limit);
    /// PORT, EPRT: Code::denied unless it is the peer's own address and a port from 1024 on (RFC 2577 §3).
    Result<void> aim(const boost::asio::ip::address& address, std::uint16_t port);

    bool is_prepared() const { return (acceptor_ && acceptor_->is_open()) || target_; }
    bool is_passive() const { return acceptor_ != nullptr; }
    /// True if somebody has connected already.
    bool somebody_waits() const;

    /// A connected, blocking socket. Connections from other addresses are closed and the wait goes on.
    /// Code::timeout after `limit`, Code::cancelled by cancel(). A listener stays open until reset(), for
    /// whoever comes next.
    boost::asio::awaitable<Result<Fd>> connect(std::chrono::steady_clock::duration limit);
    /// Ends a connect() that waits.
    void cancel();
    void reset();

    const boost::asio::ip::address& local() const { return ends_.local; }
    const boost::asio::ip::address& peer() const { return ends_.peer; }

  private:
    using Acceptor = boost::asio::ip::tcp::acceptor;
    using Socket = boost::asio::ip::tcp::socket;

    boost::asio::awaitable<Result<Fd>> accept_peer(std::chrono::steady_clock::duration limit);
    boost::asio::awaitable<Result<boost::asio::ip::address>> origin_of(Socket& socket);
    boost::asio::awaitable<Result<Fd>> connect_to_peer(std::chrono::steady_clock::duration limit);

    void close_listener();
    void close_when_unused(std::chrono::steady_clock::duration limit);

    boost::asio::any_io_executor executor_;
    Ends ends_;
    const std::vector<std::string>& proxy_networks_;
    ListenerShare& share_;
    boost::asio::steady_timer unused_;
    std::shared_ptr<Acceptor> acceptor_;
    std::shared_ptr<Socket> connecting_;
    std::optional<boost::asio::ip::tcp::endpoint> target_;
};

}  // namespace stowage::ftps
