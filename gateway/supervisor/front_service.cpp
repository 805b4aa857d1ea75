// Serving the front: start packets, logins, sessions.
// Runs in: supervisor. Distrusts: the front, which a client may have taken over.
#include "gateway/supervisor/front_service.hpp"

#include <string.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "gateway/base/log.hpp"
#include "gateway/supervisor/login_attempt.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;
using message::LoginOutcome;

namespace {

// PAM modules burn CPU on purpose (yescrypt): more at once only makes each slower.
constexpr std::size_t max_logins_under_way = 64;

std::string_view word(LoginOutcome outcome) {
    switch (outcome) {
        case LoginOutcome::ok:
            return "ok";
        case LoginOutcome::denied:
            return "denied";
        case LoginOutcome::expired:
            return "expired";
        case LoginOutcome::unavailable:
            return "unavailable";
        case LoginOutcome::busy:
            return "busy";
    }
    return "unknown";
}

message::LoginReply reply_to(const message::LoginRequest& request, LoginOutcome outcome,
                             std::string_view text) {
    message::LoginReply reply;
    reply.session = request.session;
    reply.outcome = outcome;
    reply.text.assign_cut(text);
    return reply;
}

}  // namespace

FrontService::FrontService(Context& context, Workers& workers, std::vector<BoundListener>& listeners,
                           uid_t uid, gid_t gid)
    : context_(context), workers_(workers), listeners_(listeners), uid_(uid), gid_(gid) {}

asio::awaitable<void> FrontService::run() {
    // Named, not temporaries of the co_await expression: GCC 12 destroys those twice.
    ProcessSpec spec{context_.executable("stowage-front")};
    Serve serve_run = [this](Process& process) { return serve(process); };
    co_await keep_running(context_, status_, std::move(spec), std::move(serve_run));
}

Result<void> FrontService::introduce(ipc::Channel& channel) {
    const auto with = [](const Fd& first) {
        std::vector<Fd> fds;
        fds.push_back(duplicate(first));
        return fds;
    };
    CHECK(channel.send(message::StartFront{uid_, gid_}, with(context_.sealed_config)));
    for (const auto& listener : listeners_)
        CHECK(channel.send(message::Listener{listener.implicit_tls}, with(listener.socket)));
    auto pair = with(context_.sealed_certificate);
    pair.push_back(duplicate(context_.sealed_key));
    CHECK(channel.send(message::Certificate{}, std::move(pair)));
    for (const auto& key : context_.tickets.all())
        CHECK(channel.send(key));
    return {};
}

asio::awaitable<Error> FrontService::serve(Process& process) {
    auto& channel = process.channel();
    channel_ = &channel;
    ++run_;
    sessions_.clear();
    auto introduced = introduce(channel);
    Error why = introduced ? Error{Code::cancelled, ""} : introduced.error();
    while (introduced) {
        auto packet = co_await receive_admitted(channel, Peer::front, status_.ready);
        Result<void> handled;
        if (!packet) {
            handled = packet.error();
        } else if (packet->header.type == message::Type::ready) {
            status_.ready = true;
        } else if (packet->header.type == message::Type::login_request) {
            handled = begin_login(*packet);
        } else {
            const auto ended = packet->as<message::SessionEnded>();
            if (ended) sessions_.erase(ended->session);
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
    if (sessions_.contains(request.session))
        return Error{Code::protocol, "a login for a session that is logged in"};
    if (logins_under_way_ >= max_logins_under_way) {
        (void)channel_->send(reply_to(request, LoginOutcome::busy, "too many logins at once, try again"));
    } else {
        ++logins_under_way_;
        asio::co_spawn(context_.io, login(request, run_), asio::detached);
    }
    explicit_bzero(&request, sizeof request);
    return {};
}

bool FrontService::has_room_for(std::string_view user) const {
    const auto count = std::count_if(sessions_.begin(), sessions_.end(),
                                     [&](const auto& entry) { return entry.second.user == user; });
    return count < context_.config.ftps.max_sessions_per_user;
}

asio::awaitable<void> FrontService::login(message::LoginRequest request, std::uint64_t run) {
    Fd front_end;
    auto reply = co_await decide(request, front_end);
    --logins_under_way_;
    log::write(reply.outcome == LoginOutcome::ok ? log::Level::info : log::Level::notice, "login",
               {{"user", request.user.view()},
                {"peer", request.peer.view()},
                {"lab", reply.lab.view()},
                {"result", word(reply.outcome)}});
    explicit_bzero(&request, sizeof request);
    // The front that asked may be gone, and another one may have the same session numbers.
    if (run != run_ || !channel_) co_return;
    std::vector<Fd> fds;
    if (front_end) fds.push_back(std::move(front_end));
    (void)channel_->send(reply, std::move(fds));
}

asio::awaitable<message::LoginReply> FrontService::decide(const message::LoginRequest& request,
                                                          Fd& front_end) {
    // PAM is asked about unknown users too, so that they take as long as known ones.
    const auto pam = co_await attempt_login(context_, request);
    const auto* found = context_.accounts.lab_of(request.user.view());
    if (pam.outcome != LoginOutcome::ok || !found) {
        log::notice("login_refused",
                    {{"user", request.user.view()},
                     {"peer", request.peer.view()},
                     {"why", found ? pam.reason.view() : std::string_view("no such account")}});
        const auto outcome = pam.outcome == LoginOutcome::ok ? LoginOutcome::denied : pam.outcome;
        co_return reply_to(request, outcome, "");
    }
    const auto lab = *found;
    if (!has_room_for(request.user.view()))
        co_return reply_to(request, LoginOutcome::busy,
                           "too many sessions of this user; close one and try again");
    if (context_.draining)
        co_return reply_to(request, LoginOutcome::unavailable, "the server is shutting down");
    const auto opened = co_await open_session(request, lab, front_end);
    if (!opened) {
        log::error("session_not_opened", {{"lab", lab.name}, {"what", opened.error().text()}});
        co_return reply_to(request, LoginOutcome::unavailable,
                           "the lab is not available at the moment, try again later");
    }
    auto reply = reply_to(request, LoginOutcome::ok, "");
    (void)reply.lab.assign(lab.name);
    sessions_[request.session] = {request.user.str(), lab.name};
    co_return reply;
}

asio::awaitable<Result<void>> FrontService::open_session(const message::LoginRequest& request,
                                                         const ServedLab& lab, Fd& front_end) {
    CO_TRY(auto pair, ipc::make_pair());
    message::SessionStart start;
    start.session = request.session;
    start.nonce = request.nonce;
    start.user = request.user;
    start.peer = request.peer;
    start.local = request.local;
    start.tls_version = request.tls_version;
    start.prot_private = request.prot_private;
    auto handed = co_await workers_.hand_over(lab, start, std::move(pair.second));
    if (!handed) co_return handed.error();
    front_end = std::move(pair.first);
    co_return Result<void>();
}

void FrontService::send(const message::TicketKey& key) {
    if (channel_) (void)channel_->send(key);
}

void FrontService::drain() {
    if (channel_)
        (void)channel_->send(
            message::Drain{static_cast<std::uint32_t>(context_.config.drain_timeout.count())});
}

std::uint32_t FrontService::sessions_of_lab(std::string_view lab) const {
    return static_cast<std::uint32_t>(std::count_if(
        sessions_.begin(), sessions_.end(), [&](const auto& entry) { return entry.second.lab == lab; }));
}

}  // namespace stowage::supervisor
