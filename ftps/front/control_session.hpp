// One control connection from its greeting to its end.
// Runs in: front. Distrusts: the client in everything; the worker's pace.
#pragma once

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "ftps/front/control_stream.hpp"
#include "ftps/front/doorkeeper.hpp"
#include "ftps/front/login_dialog.hpp"
#include "gateway/base/ipc.hpp"

namespace stowage::ftps {

class Front;

/// What accept() told about a connection.
struct Accepted {
    Fd socket;
    bool implicit_tls = false;
    std::string peer, local;  ///< numeric addresses; behind a proxy what it tells of the client
    std::string bound;        ///< our own end of the connection
    Places places = {};
};

/// Lives on the frame of serve_connection(). The supervisor's replies come in through Front by its number.
class ControlSession {
  public:
    using Clock = std::chrono::steady_clock;

    ControlSession(Front& front, std::uint64_t number, Accepted accepted);
    ~ControlSession();
    ControlSession(const ControlSession&) = delete;
    ControlSession& operator=(const ControlSession&) = delete;

    /// The whole conversation. Never throws.
    boost::asio::awaitable<void> converse();
    /// Shuts the connection down when its limit passes; returns when the conversation has ended.
    boost::asio::awaitable<void> watch();

    /// The supervisor's answer, with the session socket if there is one. False if nobody waits for it.
    bool take_reply(const message::LoginReply& reply, Fd session_socket);
    /// Whether its client's certificate leads to one of `cas` (PEM).
    ClientCheck check_certificate(std::string_view cas) const { return stream_.check_certificate(cas); }
    /// The gateway is about to stop: whoever is not logged in, and not about to be, goes now.
    void expire_unless_logged_in();
    /// Ends the connection at once.
    void cut();

    std::uint64_t number() const { return number_; }

  private:
    enum class Phase { before_login, asking, logged_in, closing };
    // Each wait has its own limit: one direction must not lift the other's.
    enum Limit { phase_limit, upstream_limit, downstream_limit, limit_count };

    boost::asio::awaitable<Result<void>> run();
    boost::asio::awaitable<Result<std::string>> log_in();
    boost::asio::awaitable<Result<void>> read_into(CommandReader& reader);
    boost::asio::awaitable<LoginDialog::Step> attempt(LoginDialog& dialog, LoginDialog::Next next);
    boost::asio::awaitable<message::LoginOutcome> ask_supervisor(const LoginDialog& dialog, bool hopeless);
    boost::asio::awaitable<Result<void>> start_tls();
    boost::asio::awaitable<Result<void>> send(std::string_view bytes);
    boost::asio::awaitable<void> linger();
    Result<void> send_request(const LoginDialog& dialog, bool hopeless);

    // relay.cpp
    boost::asio::awaitable<void> relay(std::string pipelined);
    boost::asio::awaitable<void> relay_upstream(std::string pipelined);
    boost::asio::awaitable<void> relay_downstream();
    boost::asio::awaitable<Result<void>> hand_to_worker(std::size_t size);
    boost::asio::awaitable<Result<std::string_view>> packet_from_worker();
    void hand_over_tls_session();
    void begin_closing();

    void set_limit(Limit which, Clock::time_point time);
    Clock::time_point nearest_limit() const;

    Front& front_;
    std::uint64_t number_;
    ControlStream stream_;
    boost::asio::posix::stream_descriptor worker_;  // closed until the login
    Turn worker_turn_;
    boost::asio::steady_timer limit_timer_, reply_timer_;
    std::array<Clock::time_point, limit_count> limits_;
    Phase phase_ = Phase::before_login;
    bool implicit_tls_, ended_ = false;
    std::string peer_, local_, bound_;
    Places places_;
    message::Nonce nonce_{};
    std::optional<message::LoginReply> reply_;
};

/// The coroutine of one connection.
boost::asio::awaitable<void> serve_connection(Front& front, std::uint64_t number, Accepted accepted);

}  // namespace stowage::ftps
