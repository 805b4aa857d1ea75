// What all control connections share: listeners, the TLS context, the supervisor, the limits.
// Runs in: front. Distrusts: how many clients come, and how fast.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ftps/front/doorkeeper.hpp"
#include "ftps/front/tls_context.hpp"
#include "ftps/protocol/session_packets.hpp"
#include "gateway/base/channel.hpp"
#include "gateway/base/config.hpp"
#include "gateway/base/freed_memory.hpp"
#include "gateway/base/line_limit.hpp"

namespace stowage::ftps {

class ControlSession;
struct Accepted;

/// One thread, one io_context. Outlives its sessions.
class Front {
  public:
    /// @param last_session sessions are numbered from the next one on
    Front(boost::asio::io_context& io, Config config, ipc::Channel supervisor, std::uint64_t last_session);
    ~Front();

    /// Takes what the supervisor sends until it is gone; says Ready when listeners, certificate and a ticket
    /// key are there. Stops the io_context at the end, and after a drain.
    boost::asio::awaitable<void> run();

    // For sessions.
    boost::asio::any_io_executor executor() { return io_.get_executor(); }
    const Config& config() const { return config_; }
    ipc::Channel& supervisor() { return supervisor_; }
    /// As of now: a reload changes it for later connections.
    SSL_CTX* context() { return context_.get(); }
    /// Some lab's users must present a certificate.
    bool asks_for_certificates() const { return asks_for_certificates_; }
    /// One buffer for all, since nobody keeps anything in it across a suspension: idle sessions own none.
    std::array<char, session_packet::max_payload + 1>& scratch() { return scratch_; }
    /// For what those cause who are not logged in.
    log::LineLimit& strangers_lines() { return strangers_lines_; }
    void enter(ControlSession& session);
    /// @param logged_in the supervisor counts this session and is told of its end
    void leave(ControlSession& session, bool logged_in);
    Doorkeeper& doorkeeper() { return doorkeeper_; }

  private:
    struct Listener {
        boost::asio::posix::stream_descriptor socket;
        boost::asio::steady_timer pause;
        bool implicit_tls;
    };

    Result<void> take(ipc::Packet& packet);
    Result<void> take_certificate(const ipc::Packet& packet);
    Result<void> take_listener(ipc::Packet& packet);
    Result<void> take_login_reply(ipc::Packet& packet);
    Result<void> take_order(const ipc::Packet& packet);
    Result<void> check_client_of(const ipc::Packet& packet);
    void start_when_complete();
    void drain(std::chrono::seconds limit);
    boost::asio::awaitable<void> stop_at_limit();
    boost::asio::awaitable<void> accept_from(Listener& listener);
    void take_connection(int socket, const sockaddr_storage& peer, bool implicit_tls);
    void admit(Accepted accepted);
    /// proxied.cpp: once the PROXY header is read.
    boost::asio::awaitable<void> admit_proxied(Accepted accepted);

    boost::asio::io_context& io_;
    Config config_;
    ipc::Channel supervisor_;
    TicketKeys keys_;  // before the contexts that use them
    openssl::TlsContext context_;
    std::size_t before_proxy_header_ = 0;
    bool asks_for_certificates_ = false;
    bool has_key_ = false, serving_ = false, draining_ = false;
    std::vector<std::unique_ptr<Listener>> listeners_;
    Doorkeeper doorkeeper_;
    std::unordered_map<std::uint64_t, ControlSession*> sessions_;
    FreedMemory freed_;
    std::uint64_t last_number_;
    boost::asio::steady_timer drain_timer_;
    std::size_t max_sessions_;
    std::array<char, session_packet::max_payload + 1> scratch_{};
    log::LineLimit strangers_lines_{20};
};

}  // namespace stowage::ftps
