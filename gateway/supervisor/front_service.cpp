// Serving the front: start packets, bans, sessions. Logins are in logins.cpp.
// Runs in: supervisor. Distrusts: the front, which a client may have taken over.
#include "gateway/supervisor/front_service.hpp"

#include <string.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"
#include "gateway/supervisor/tls_identity.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;

namespace {

// PAM modules burn CPU on purpose (yescrypt): more at once only makes each slower.
constexpr std::size_t max_logins_at_once = 64, max_logins_waiting = 4096;

}  // namespace

FrontService::FrontService(Context& context, Workers& workers, std::vector<BoundListener>& listeners,
                           uid_t uid, gid_t gid)
    : context_(context),
      workers_(workers),
      listeners_(listeners),
      uid_(uid),
      gid_(gid),
      throttle_(LoginThrottle::rules_of(context.config)),
      queue_(
          context.io.get_executor(), max_logins_at_once, max_logins_waiting,
          [this](const std::string& network) { return throttle_.most_at_once(network, Ban::Clock::now()); }),
      sessions_(context.config),
      session_ended_(context.io, asio::steady_timer::time_point::max()),
      client_checks_(context.io) {}

asio::awaitable<void> FrontService::run() {
    // Named, not temporaries of the co_await expression: GCC 12 destroys those twice.
    ProcessSpec spec{"front", context_.executable("stowage-front")};
    Serve serve_run = [this](Process& process) { return serve(process); };
    co_await keep_running(context_, status_, std::move(spec), std::move(serve_run));
}

Result<void> FrontService::introduce(ipc::Channel& channel) {
    TRY(auto config, duplicates({&context_.sealed_config}));
    CHECK(channel.send(message::StartFront{uid_, gid_, numbers_.last()}, std::move(config)));
    // Before what it needs to serve: it is to let nobody in whom it does not know to be banned.
    for (const auto& ban : bans())
        tell(ban);
    for (const auto& listener : listeners_) {
        CHECK(listen_again(listener));
        TRY(auto socket, duplicates({&listener.socket}));
        CHECK(channel.send(message::Listener{listener.implicit_tls}, std::move(socket)));
    }
    CHECK(send_control_certificate(context_, channel));
    for (const auto& key : context_.tickets.all())
        CHECK(channel.send(key));
    return {};
}

asio::awaitable<Error> FrontService::serve(Process& process) {
    auto& channel = process.channel();
    channel_ = &channel;
    ++run_;
    numbers_.begin_run();
    sessions_.clear();
    session_ended_.cancel();
    auto introduced = introduce(channel);
    Error why = introduced ? Error{Code::cancelled, ""} : introduced.error();
    while (introduced) {
        auto packet = co_await receive_admitted(channel, Peer::front, status_.ready);
        Result<void> handled;
        if (!packet) {
            handled = packet.error();
        } else if (packet->header.type == message::Type::ready) {
            status_.ready = true;
            context_.changes.tell();
        } else if (packet->header.type == message::Type::login_request) {
            handled = begin_login(*packet);
        } else if (packet->header.type == message::Type::client_verified) {
            const auto verified = packet->as<message::ClientVerified>();
            if (verified) client_checks_.take(*verified);
            if (!verified) handled = verified.error();
        } else {
            const auto ended = packet->as<message::SessionEnded>();
            if (ended) end_session(ended->session);
            if (!ended) handled = ended.error();
        }
        if (!handled) {
            why = handled.error();
            break;
        }
    }
    channel_ = nullptr;
    co_return why;
}

Result<void> FrontService::begin_login(const ipc::Packet& packet) {
    TRY(auto request, packet.as<message::LoginRequest>());
    CHECK(check_login(request));
    CHECK(numbers_.take(request.session));
    if (sessions_.contains(request.session))
        return Error{Code::protocol, "a login for a session that is logged in"};
    if (!logins_.emplace(run_, request.session).second)
        return Error{Code::protocol, "two logins at once for a session"};
    asio::co_spawn(context_.io, login(request, run_), asio::detached);
    explicit_bzero(&request, sizeof request);
    return {};
}

/// Twice as many as there may be connections, for those of clients that left are still being answered. A
/// front that asks without an end gets no more of our memory than that.
std::size_t FrontService::most_logins() const {
    return std::size_t{2} * context_.config.ftps.max_sessions;
}

void FrontService::end_session(std::uint64_t session) {
    sessions_.remove(session);
    session_ended_.cancel();
}

asio::awaitable<bool> FrontService::wait_for_end_of(std::uint64_t session,
                                                    std::chrono::steady_clock::duration limit) {
    asio::steady_timer timer(context_.io, limit);
    timer.async_wait([this](boost::system::error_code cancelled) {
        if (!cancelled) session_ended_.cancel();
    });
    while (sessions_.contains(session) && std::chrono::steady_clock::now() < timer.expiry()) {
        boost::system::error_code ignored;
        co_await session_ended_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return !sessions_.contains(session);
}

void FrontService::cut(std::uint64_t session) {
    if (channel_) (void)channel_->send(message::EndSession{session});
}

void FrontService::cut_sessions_of(std::string_view user) {
    for (const auto session : sessions_.of_user(user)) {
        log::notice("session_ended", {{"session", session}, {"user", user}, {"why", "the account changed"}});
        cut(session);
    }
}

// The front turns them away before it does anything for them. It is no part of the decision: logins are
// refused here as well.
void FrontService::tell(const Ban& ban) {
    message::PutBan m;
    (void)m.network.assign(ban.network);
    m.seconds = static_cast<std::uint32_t>(
        std::chrono::ceil<std::chrono::seconds>(ban.until - Ban::Clock::now()).count());
    if (channel_) (void)channel_->send(m);
}

std::size_t FrontService::lift_bans(const std::string& network) {
    const auto now = Ban::Clock::now();
    const std::size_t count = network.empty() ? throttle_.forgive_all(now) : throttle_.forgive(network, now);
    message::LiftBan m;
    (void)m.network.assign(network);
    if (channel_) (void)channel_->send(m);
    return count;
}

asio::awaitable<Result<void>> FrontService::check_client(std::uint64_t session, ServedLab lab) {
    if (lab.client_cas.empty()) co_return Result<void>();
    if (!channel_) co_return Error{Code::unavailable, "the front is gone"};
    const auto subject = co_await client_checks_.ask(*channel_, session, lab.client_cas);
    if (!subject) co_return subject.error();
    log::info("client_certificate", {{"session", session}, {"lab", lab.name}, {"subject", *subject}});
    co_return Result<void>();
}

void FrontService::send_certificate() {
    if (channel_) (void)send_control_certificate(context_, *channel_);
}

void FrontService::labs_changed() {
    const bool wanted = context_.accounts.some_lab_wants_client_certificates();
    if (std::exchange(asked_for_certificates_, wanted) != wanted) send_certificate();
}

void FrontService::send(const message::TicketKey& key) {
    if (channel_) (void)channel_->send(key);
}

void FrontService::drain() {
    if (channel_)
        (void)channel_->send(
            message::Drain{static_cast<std::uint32_t>(context_.config.drain_timeout.count())});
}

}  // namespace stowage::supervisor
