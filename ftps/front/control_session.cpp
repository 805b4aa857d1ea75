// A connection up to its login, and its limits.
// Runs in: front. Distrusts: the client.
#include "ftps/front/control_session.hpp"

#include <openssl/rand.h>
#include <string.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "ftps/front/front.hpp"
#include "ftps/front/server_names.hpp"
#include "ftps/protocol/proxy_header.hpp"
#include "ftps/protocol/reply.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using message::LoginOutcome;

namespace {

constexpr auto never = ControlSession::Clock::time_point::max();
// A queue may take 5 s, a login process 35, the check of a client's certificate 10, a delayed answer 9, the
// wait until a lab's worker may be started anew 10, and its start 10 (gateway/supervisor: logins.cpp,
// login_attempt.cpp, client_checks.cpp, workers.cpp).
constexpr auto login_answer_limit = 90s;
constexpr auto longest_stall = 60s, linger_limit = 5s;

asio::awaitable<void> wait_until(asio::steady_timer& timer) {
    boost::system::error_code ignored;  // cancelled means that what was waited for is there
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace

asio::awaitable<void> serve_connection(Front& front, std::uint64_t number, Accepted accepted) {
    using namespace asio::experimental::awaitable_operators;
    ControlSession session(front, number, std::move(accepted));
    co_await (session.converse() && session.watch());
}

ControlSession::ControlSession(Front& front, std::uint64_t number, Accepted accepted)
    : front_(front),
      number_(number),
      stream_(front.executor(), std::move(accepted.socket)),
      worker_(front.executor()),
      limit_timer_(front.executor()),
      reply_timer_(front.executor()),
      implicit_tls_(accepted.implicit_tls),
      peer_(std::move(accepted.peer)),
      local_(std::move(accepted.local)),
      bound_(std::move(accepted.bound)),
      places_(std::move(accepted.places)) {
    limits_.fill(never);
    limits_[phase_limit] = Clock::now() + front.config().ftps.login_timeout;
    front_.enter(*this);
}

ControlSession::~ControlSession() {
    front_.leave(*this, reply_ && reply_->outcome == LoginOutcome::ok);
}

asio::awaitable<void> ControlSession::converse() {
    try {
        log::debug("connection", {{"session", number_}, {"peer", peer_}, {"implicit_tls", implicit_tls_}});
        const auto result = co_await run();
        if (!result)
            log::debug("connection_ended",
                       {{"session", number_}, {"peer", peer_}, {"why", result.error().what}});
    } catch (const std::exception& error) {
        log::error("session_failed", {{"session", number_}, {"peer", peer_}, {"why", error.what()}});
    }
    stream_.close_sending();
    ended_ = true;
    limit_timer_.cancel();
}

asio::awaitable<void> ControlSession::watch() {
    while (!ended_) {
        limit_timer_.expires_at(nearest_limit());
        co_await wait_until(limit_timer_);
        if (ended_ || Clock::now() < nearest_limit()) continue;
        if (phase_ == Phase::before_login) {
            log::write_limited(front_.strangers_lines(), log::Level::info, "login_timeout",
                               {{"session", number_}, {"peer", peer_}});
            (void)stream_.write_now(reply(421, "No login in time."));
        }
        limits_.fill(never);  // every wait ends by itself now
        cut();
    }
}

void ControlSession::set_limit(Limit which, Clock::time_point time) {
    if (limits_[which] == time) return;
    limits_[which] = time;
    limit_timer_.cancel();
}

ControlSession::Clock::time_point ControlSession::nearest_limit() const {
    return *std::min_element(limits_.begin(), limits_.end());
}

void ControlSession::expire_unless_logged_in() {
    if (phase_ != Phase::before_login) return;
    (void)stream_.write_now(reply(421, "The server is shutting down; try again later."));
    stream_.shut_down();
}

void ControlSession::cut() {
    stream_.shut_down();
    if (worker_.is_open()) ::shutdown(worker_.native_handle(), SHUT_RDWR);
}

asio::awaitable<Result<void>> ControlSession::run() {
    if (RAND_bytes(nonce_.data(), static_cast<int>(nonce_.size())) != 1)
        co_return Error{Code::internal, "no random bytes"};
    if (implicit_tls_) CO_CHECK(co_await start_tls());
    auto pipelined = co_await log_in();
    if (!pipelined) co_return pipelined.error();
    co_await relay(std::move(*pipelined));
    co_return Result<void>();
}

asio::awaitable<Result<void>> ControlSession::start_tls() {
    auto started = co_await stream_.start_tls(front_.context(), nonce_);
    if (!started)
        log::write_limited(front_.strangers_lines(), log::Level::info, "tls_refused",
                           {{"session", number_}, {"peer", peer_}, {"why", started.error().what}});
    co_return started;
}

asio::awaitable<Result<void>> ControlSession::read_into(CommandReader& reader) {
    auto& scratch = front_.scratch();
    CO_TRY(const auto received, co_await stream_.read_some(scratch.data(), scratch.size()));
    const std::string_view bytes(scratch.data(), received);
    if (!stream_.is_tls() && bytes.size() >= proxy_prefix_bytes && starts_like_proxy_header(bytes)) {
        log::write_limited(front_.strangers_lines(), log::Level::warning, "proxy_header_refused",
                           {{"session", number_}, {"from", peer_}, {"why", "not from a proxy"}});
        co_return Error{Code::protocol, "a PROXY header of somebody who is not in ftps.proxy_networks"};
    }
    reader.feed(bytes);
    explicit_bzero(scratch.data(), received);
    co_return Result<void>();
}

// The bytes that the client sent behind PASS, once it is logged in.
asio::awaitable<Result<std::string>> ControlSession::log_in() {
    LoginDialog dialog(implicit_tls_, front_.config().ftps.active_mode, [this](std::string_view host) {
        return host == local_ || is_host_of(SSL_CTX_get0_certificate(front_.context()), host);
    });
    if (implicit_tls_) dialog.tls_started(stream_.server_name());
    if (front_.asks_for_certificates()) dialog.certificates_are_asked_for();
    CommandReader reader;
    CO_CHECK(co_await send(LoginDialog::greeting()));
    for (;;) {
        auto line = reader.next();
        if (std::holds_alternative<CommandReader::NeedMore>(line)) {
            CO_CHECK(co_await read_into(reader));
            continue;
        }
        auto* command = std::get_if<Command>(&line);
        auto step = command ? dialog.on(*command) : dialog.on(std::get<CommandReader::BadLine>(line));
        if (step.next == LoginDialog::Next::log_in || step.next == LoginDialog::Next::refuse) {
            step = co_await attempt(dialog, step.next);
            if (phase_ == Phase::logged_in) co_return reader.take_buffered();
        }
        if (step.next == LoginDialog::Next::start_tls && reader.has_buffered())
            co_return Error{Code::protocol,
                            "bytes behind AUTH TLS"};  // CVE-2011-0411: they would count as encrypted
        if (!step.reply.empty()) CO_CHECK(co_await send(step.reply));
        if (step.next == LoginDialog::Next::close) {
            if (!step.reply.empty()) co_await linger();
            co_return Error{Code::cancelled, "closed before a login"};
        }
        if (step.next != LoginDialog::Next::start_tls) continue;
        CO_CHECK(co_await start_tls());
        dialog.tls_started(stream_.server_name());
    }
}

// Logged in afterwards (see phase_), or the answer to a refusal, at its fixed time.
asio::awaitable<LoginDialog::Step> ControlSession::attempt(LoginDialog& dialog, LoginDialog::Next next) {
    const auto started = Clock::now();
    const Clock::duration unit = front_.config().ftps.failed_login_time;
    const auto outcome = co_await ask_supervisor(dialog, next == LoginDialog::Next::refuse);
    dialog.forget_password();
    if (outcome == LoginOutcome::ok) {
        phase_ = Phase::logged_in;
        places_.login.leave();
        set_limit(phase_limit, never);
        co_return LoginDialog::Step{};
    }
    // The line in the log is the supervisor's, if it was asked.
    if (!reply_)
        log::warning("login_not_answered", {{"session", number_}, {"peer", peer_}, {"user", dialog.user()}});
    if (outcome == LoginOutcome::denied || outcome == LoginOutcome::expired) {
        // From PASS to the answer it is the same time for everybody: one unit, or whole units if PAM is slow.
        const auto took = Clock::now() - started;
        reply_timer_.expires_at(started + (unit > Clock::duration::zero() ? unit * (1 + took / unit) : took));
        co_await wait_until(reply_timer_);
    }
    co_return dialog.refused(outcome, reply_ ? reply_->text.view() : std::string_view());
}

asio::awaitable<LoginOutcome> ControlSession::ask_supervisor(const LoginDialog& dialog, bool hopeless) {
    reply_.reset();
    const auto login_limit = limits_[phase_limit];
    if (const auto sent = send_request(dialog, hopeless); !sent) {
        log::error("login_not_asked", {{"session", number_}, {"why", sent.error().text()}});
        co_return LoginOutcome::unavailable;
    }
    phase_ = Phase::asking;
    set_limit(phase_limit, never);
    reply_timer_.expires_after(login_answer_limit);
    while (!reply_ && Clock::now() < reply_timer_.expiry())
        co_await wait_until(reply_timer_);
    phase_ = Phase::before_login;
    set_limit(phase_limit, login_limit);
    co_return reply_ ? reply_->outcome : LoginOutcome::unavailable;
}

Result<void> ControlSession::send_request(const LoginDialog& dialog, bool hopeless) {
    message::LoginRequest request;
    request.session = number_;
    request.nonce = nonce_;
    request.tls_version = stream_.tls_version();
    request.prot_private = dialog.prot_private();
    request.hopeless = hopeless;
    request.client.assign_cut(dialog.client());
    bool fits = request.peer.assign(peer_) && request.local.assign(local_) && request.bound.assign(bound_);
    // Asked about nevertheless: it counts as any other, and is answered at the same pace.
    if (hopeless)
        request.user.assign_cut(dialog.user());
    else
        fits =
            fits && request.user.assign(dialog.user()) && request.password.assign(dialog.password().reveal());
    auto sent = fits ? front_.supervisor().send(request) : Error{Code::internal, "a login that does not fit"};
    explicit_bzero(&request, sizeof request);
    return sent;
}

bool ControlSession::take_reply(const message::LoginReply& reply, Fd session_socket) {
    if (phase_ != Phase::asking || reply_) return false;
    boost::system::error_code failed;
    if (reply.outcome == LoginOutcome::ok) {
        if (!session_socket) {
            log::error("session_refused", {{"session", number_}, {"why", "too many files are open"}});
            reply_ = reply;
            reply_->outcome = LoginOutcome::unavailable;
            reply_timer_.cancel();
            return false;
        }
        worker_.assign(session_socket.get(), failed);
        if (!failed) (void)session_socket.release();
        if (!failed) worker_.native_non_blocking(true, failed);
    }
    if (failed) return false;
    if (reply.outcome == LoginOutcome::ok) hand_over_tls_session();
    reply_ = reply;
    reply_timer_.cancel();
    return true;
}

// The socketpair is new and empty: this goes at once, or the worker is gone already.
void ControlSession::hand_over_tls_session() {
    const auto session = stream_.resumable_session();
    if (session.empty() || session.reveal().size() > session_packet::max_payload) return;
    const Secret packet(std::string(1, session_packet::tls_session) + std::string(session.reveal()));
    (void)::send(worker_.native_handle(), packet.reveal().data(), packet.reveal().size(), MSG_NOSIGNAL);
}

asio::awaitable<Result<void>> ControlSession::send(std::string_view bytes) {
    CO_TRY(auto sent, stream_.write_now(bytes));
    if (sent == bytes.size()) co_return Result<void>();
    std::string rest(bytes.substr(sent));  // `bytes` may lie in the shared scratch
    // For all of it: a byte taken now and then is no progress.
    set_limit(downstream_limit,
              Clock::now() + std::min<Clock::duration>(longest_stall, front_.config().ftps.idle_timeout));
    while (!rest.empty()) {
        co_await stream_.wait_writable();
        CO_TRY(sent, stream_.write_now(rest));
        rest.erase(0, sent);
    }
    set_limit(downstream_limit, never);
    co_return Result<void>();
}

// A socket closed with unread bytes resets the connection, and the client loses our last words.
asio::awaitable<void> ControlSession::linger() {
    phase_ = Phase::closing;
    set_limit(phase_limit, Clock::now() + linger_limit);
    stream_.close_sending();
    auto& scratch = front_.scratch();
    while (co_await stream_.read_some(scratch.data(), scratch.size()))
        continue;
}

}  // namespace stowage::ftps
