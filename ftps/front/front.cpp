// Accepting connections and talking to the supervisor.
// Runs in: front. Distrusts: how many clients come.
#include "ftps/front/front.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "ftps/front/control_session.hpp"
#include "ftps/front/stapling.hpp"
#include "ftps/protocol/reply.hpp"
#include "gateway/base/config.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/messages/workers.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

void set_option(int socket, int level, int option, int value) {
    // Each is an improvement only: a socket without it works.
    (void)::setsockopt(socket, level, option, &value, sizeof value);
}

// Replies leave at once; a control connection that is silent for hours during a transfer stays known to NAT
// routers, and a peer that vanished is noticed.
void tune(int socket) {
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 30);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 5);
    // Not SO_OOBINLINE: some clients send Telnet's Synch (RFC 854) as an urgent byte beside TLS; among the
    // records it would end the connection.
}

std::string local_address(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
    return address_text(address);
}

void turn_away(Fd socket, bool implicit_tls, std::string_view why) {
    const auto text = reply(421, why);
    // Fits into an empty socket buffer; inside TLS it would take a handshake to say it.
    if (!implicit_tls) (void)::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

// Two descriptors each. Without one to spare, the session socket in a login reply would be lost on its way.
std::size_t sessions_by_descriptors() {
    constexpr rlim_t spare = 32;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= spare + 2) return 1;
    return (limit.rlim_cur - spare) / 2;
}

}  // namespace

Front::Front(asio::io_context& io, Config config, ipc::Channel supervisor, std::uint64_t last_session)
    : io_(io),
      config_(std::move(config)),
      supervisor_(std::move(supervisor)),
      doorkeeper_(config_),
      last_number_(last_session),
      drain_timer_(io),
      max_sessions_(std::min<std::size_t>(config_.ftps.max_sessions, sessions_by_descriptors())) {
    if (max_sessions_ < config_.ftps.max_sessions)
        log::warning("too_few_descriptors",
                     {{"ftps.max_sessions", config_.ftps.max_sessions},
                      {"sessions", max_sessions_},
                      {"remedy", "raise the hard limit of open files (LimitNOFILE=)"}});
}

Front::~Front() = default;

asio::awaitable<void> Front::run() {
    for (;;) {
        auto packet = co_await supervisor_.receive();
        auto taken = packet ? take(*packet) : packet.error();
        if (taken) continue;
        if (taken.error().code != Code::cancelled) log::error("front_stops", {{"why", taken.error().text()}});
        break;
    }
    io_.stop();
}

Result<void> Front::take(ipc::Packet& packet) {
    switch (packet.header.type) {
        case message::Type::listener:
            return take_listener(packet);
        case message::Type::certificate:
            return take_certificate(packet);
        case message::Type::login_reply:
            return take_login_reply(packet);
        case message::Type::verify_client:
            return check_client_of(packet);
        case message::Type::ticket_key: {
            TRY(auto key, packet.as<message::TicketKey>());
            keys_.add(key);
            explicit_bzero(&key, sizeof key);
            has_key_ = true;
            start_when_complete();
            return {};
        }
        case message::Type::drain: {
            TRY(const auto limits, packet.as<message::Drain>());
            drain(std::chrono::seconds(limits.limit_seconds));
            return {};
        }
        default:
            return take_order(packet);
    }
}

Result<void> Front::take_order(const ipc::Packet& packet) {
    switch (packet.header.type) {
        case message::Type::put_ban: {
            TRY(const auto ban, packet.as<message::PutBan>());
            doorkeeper_.put_ban(ban, Doorkeeper::Clock::now());
            return {};
        }
        case message::Type::lift_ban: {
            TRY(const auto lift, packet.as<message::LiftBan>());
            doorkeeper_.lift_ban(lift);
            return {};
        }
        case message::Type::end_session: {
            TRY(const auto order, packet.as<message::EndSession>());
            const auto session = sessions_.find(order.session);
            if (session != sessions_.end()) session->second->cut();
            return {};
        }
        default:
            return Error{Code::protocol, "the supervisor sent a packet that the front does not know"};
    }
}

Result<void> Front::take_listener(ipc::Packet& packet) {
    TRY(const auto listener, packet.as<message::Listener>());
    if (packet.fds.size() != 1) return Error{Code::protocol, "a listener without its socket"};
    asio::posix::stream_descriptor socket(io_, packet.fds[0].release());
    socket.native_non_blocking(true);
    listeners_.push_back(std::make_unique<Listener>(
        Listener{std::move(socket), asio::steady_timer(io_), listener.implicit_tls != 0}));
    return {};
}

Result<void> Front::take_certificate(const ipc::Packet& packet) {
    TRY(const auto certificate, packet.as<message::Certificate>());
    const bool stapled = certificate.ocsp_until != 0;
    if (packet.fds_lost && context_) {
        log::error("certificate_not_reloaded", {{"why", "too many files are open"}});
        return {};
    }
    if (packet.fds.size() != (stapled ? 3u : 2u))
        return Error{Code::protocol, "a certificate without its descriptors"};
    TRY(const auto chain, read_sealed(packet.fds[0]));
    TRY(auto key, read_sealed(packet.fds[1]));
    auto context = make_control_context(chain, key, keys_);
    explicit_bzero(key.data(), key.size());
    if (!context && !context_) return context.error();
    if (!context) {
        log::error("certificate_not_reloaded", {{"why", context.error().text()}});
        return {};
    }
    if (stapled) {
        TRY(auto response, read_sealed(packet.fds[2]));
        staple(context->get(), {std::move(response), certificate.ocsp_until});
    }
    asks_for_certificates_ = certificate.request_client_certificate != 0;
    if (asks_for_certificates_) request_client_certificate(context->get());
    context_ = std::move(*context);
    log::info("certificate_in_use", {{"stapled", stapled}, {"asks_clients", asks_for_certificates_}});
    start_when_complete();
    return {};
}

Result<void> Front::take_login_reply(ipc::Packet& packet) {
    TRY(const auto reply, packet.as<message::LoginReply>());
    const auto session = sessions_.find(reply.session);
    Fd socket = packet.fds.empty() ? Fd() : std::move(packet.fds[0]);
    const bool taken = session != sessions_.end() && session->second->take_reply(reply, std::move(socket));
    // The client left meanwhile, or waited too long: the supervisor must not count it.
    if (!taken && reply.outcome == message::LoginOutcome::ok)
        return supervisor_.send(message::SessionEnded{reply.session});
    return {};
}

Result<void> Front::check_client_of(const ipc::Packet& packet) {
    TRY(const auto question, packet.as<message::VerifyClient>());
    const auto session = sessions_.find(question.session);
    const auto cas = packet.fds.empty() ? Result<std::string>(Error{Code::io, "its CAs were not received"})
                                        : read_sealed(packet.fds[0]);
    const auto check = session == sessions_.end() ? ClientCheck{false, "the session is gone"}
                       : !cas                     ? ClientCheck{false, cas.error().what}
                                                  : session->second->check_certificate(*cas);
    message::ClientVerified answer;
    answer.session = question.session;
    answer.ok = check.ok;
    answer.text.assign_cut(check.text);
    return supervisor_.send(answer);
}

void Front::start_when_complete() {
    if (serving_ || listeners_.empty() || !context_ || !has_key_) return;
    serving_ = true;
    for (auto& listener : listeners_)
        asio::co_spawn(io_, accept_from(*listener), asio::detached);
    (void)supervisor_.send(message::Ready{});
}

void Front::enter(ControlSession& session) {
    sessions_[session.number()] = &session;
    freed_.note_alive(sessions_.size());
}

void Front::leave(ControlSession& session, bool logged_in) {
    sessions_.erase(session.number());
    freed_.note_alive(sessions_.size());
    if (logged_in && supervisor_.is_open()) (void)supervisor_.send(message::SessionEnded{session.number()});
    if (draining_ && sessions_.empty()) drain_timer_.cancel();
}

void Front::drain(std::chrono::seconds limit) {
    if (draining_) return;
    draining_ = true;
    for (auto& listener : listeners_)
        listener->socket.close();
    for (auto& [number, session] : sessions_)
        session->expire_unless_logged_in();
    log::notice("draining", {{"sessions", sessions_.size()}, {"limit_s", limit.count()}});
    drain_timer_.expires_after(limit);
    asio::co_spawn(io_, stop_at_limit(), asio::detached);
}

asio::awaitable<void> Front::stop_at_limit() {
    boost::system::error_code ignored;  // cancelled by the last session's end
    if (!sessions_.empty())
        co_await drain_timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    log::notice("drained", {{"sessions_cut", sessions_.size()}});
    io_.stop();
}

asio::awaitable<void> Front::accept_from(Listener& listener) {
    while (listener.socket.is_open()) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        const int socket = ::accept4(listener.socket.native_handle(), reinterpret_cast<sockaddr*>(&peer),
                                     &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        boost::system::error_code ignored;
        if (socket >= 0) {
            take_connection(socket, peer, listener.implicit_tls);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            co_await listener.socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                                asio::redirect_error(asio::use_awaitable, ignored));
        } else if (errno != ECONNABORTED && errno != EINTR) {
            // Out of descriptors or memory, and nothing tells when there is room again.
            log::error("accept_failed", {{"why", system_error(errno, "accept").what}});
            listener.pause.expires_after(200ms);
            co_await listener.pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
    }
}

void Front::take_connection(int socket, const sockaddr_storage& peer, bool implicit_tls) {
    Accepted accepted{Fd(socket), implicit_tls, address_text(peer), local_address(socket), {}};
    accepted.bound = accepted.local;
    tune(socket);
    if (!is_in(config_.ftps.proxy_networks, accepted.peer)) return admit(std::move(accepted));
    if (sessions_.size() + before_proxy_header_ >= max_sessions_)
        return doorkeeper_.log_refusal(accepted.peer, "too many connections, even before their PROXY header");
    asio::co_spawn(io_, admit_proxied(std::move(accepted)), asio::detached);
}

void Front::admit(Accepted accepted) {
    auto entry = doorkeeper_.enter(accepted.peer, Doorkeeper::Clock::now());
    if (entry.refusal.empty() && sessions_.size() >= max_sessions_)
        entry.refusal = "Too many connections, which is the limit of this server; try again later.";
    if (!entry.refusal.empty()) {
        doorkeeper_.log_refusal(accepted.peer, entry.refusal);
        return turn_away(std::move(accepted.socket), accepted.implicit_tls, entry.refusal);
    }
    accepted.places = std::move(entry.places);
    asio::co_spawn(io_, serve_connection(*this, ++last_number_, std::move(accepted)), asio::detached);
}

}  // namespace stowage::ftps
