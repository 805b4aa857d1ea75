// Logins, from the front's question to the answer.
// Runs in: supervisor. Distrusts: the front, which a client may have taken over; user names; how many come.
#include <fmt/format.h>
#include <string.h>

#include <optional>

#include "gateway/base/identity.hpp"
#include "gateway/base/line_limit.hpp"
#include "gateway/supervisor/front_service.hpp"
#include "gateway/supervisor/login_attempt.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;
using message::LoginOutcome;
using std::chrono::steady_clock;

namespace {

// The front waits 90 s in all (control_session.cpp).
constexpr std::chrono::seconds longest_queueing{5};
constexpr auto account_changed = "the account was changed meanwhile";

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
        case LoginOutcome::banned:
            return "banned";
    }
    return "unknown";
}

void answer(message::LoginReply& reply, LoginOutcome outcome, std::string_view text) {
    reply.outcome = outcome;
    reply.text.assign_cut(text);
}

}  // namespace

void FrontService::log_login(const message::LoginRequest& request, const Decision& decision,
                             steady_clock::time_point began) {
    const auto& reply = decision.reply;
    const std::initializer_list<log::Field> fields = {
        {"lab", reply.lab.view()},
        {"user", request.user.view()},
        {"peer", request.peer.view()},
        {"result", word(reply.outcome)},
        {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began).count()},
        {"session", request.session},
        {"why", decision.why}};
    if (reply.outcome == LoginOutcome::ok)
        log::info("login", fields);
    else
        log::write_limited(refused_lines_, log::Level::notice, "login", fields);
}

asio::awaitable<void> FrontService::login(message::LoginRequest request, std::uint64_t run) {
    const auto began = steady_clock::now();
    Decision decision;
    decision.reply.session = request.session;
    decision.run = run;
    if (logins_.size() <= most_logins())
        co_await decide(request, decision);
    else
        answer(decision.reply, LoginOutcome::busy, "Too many logins at once; try again in a moment.");
    logins_.erase({run, request.session});
    log_login(request, decision, began);
    // The front that asked may be gone, and another one may have the same session numbers.
    if (run != run_ || !channel_) co_return;
    std::vector<Fd> fds;
    if (decision.front_end) fds.push_back(std::move(decision.front_end));
    (void)channel_->send(decision.reply, std::move(fds));
}

asio::awaitable<void> FrontService::decide(message::LoginRequest& request, Decision& decision) {
    const auto network = client_network(request.peer.view());
    const auto is_banned = [&] { return throttle_.ban_of(network, Ban::Clock::now()) != nullptr; };
    bool admitted = false;
    if (!is_banned()) admitted = co_await queue_.enter(network, longest_queueing);
    // Those in front of it in the queue may have had it banned. Then PAM is not asked: the password may even
    // be right, and nobody learns it.
    if (is_banned())
        answer(
            decision.reply, LoginOutcome::banned,
            "Too many refused logins from your address; try again later, or ask the administrator (`stowage "
            "bans clear`).");
    else if (!admitted)
        answer(decision.reply, LoginOutcome::busy, "Too many logins at once; try again in a moment.");
    else
        co_await judge(request, network, decision);
    // Nothing is to lie about while an answer is being delayed.
    explicit_bzero(&request.password, sizeof request.password);
    // Only now, when it has been counted, may the next one of this network try.
    if (admitted) queue_.leave(network);
    co_await pause_for(std::chrono::ceil<std::chrono::milliseconds>(decision.delay));
    if (decision.account != 0) co_await welcome(request, decision);
}

asio::awaitable<void> FrontService::judge(const message::LoginRequest& request, std::string network,
                                          Decision& decision) {
    message::LoginResult pam;
    const auto account = context_.accounts.account_of(request.user.view());
    // PAM is asked about unknown users too, so that they take as long as known ones.
    if (request.hopeless == 0)
        pam = co_await attempt_login(context_, request);
    else
        pam.reason.assign_cut("such a name or password cannot be");
    std::optional<ServedLab> lab;
    if (const auto* found = context_.accounts.lab_of(request.user.view(), account)) lab = *found;
    if (lab || request.hopeless)
        decision.why = pam.reason.str();
    else
        decision.why = context_.accounts.account_of(request.user.view()) == account ? "no such account"
                                                                                    : account_changed;
    // Only somebody with an account here is told that its password has expired.
    if (!lab && (pam.outcome == LoginOutcome::ok || pam.outcome == LoginOutcome::expired))
        pam.outcome = LoginOutcome::denied;
    // Only with the right password, so that nobody else learns whether a certificate is good; a guess as any
    // other.
    if (pam.outcome == LoginOutcome::ok) {
        const auto verified = co_await check_client(request.session, *lab);
        if (!verified) {
            pam.outcome = LoginOutcome::denied;
            decision.why = verified.error().what;
        }
    }
    answer(decision.reply, pam.outcome, "");
    const auto now = Ban::Clock::now();
    if (pam.outcome == LoginOutcome::ok) {
        decision.account = account;
        decision.delay = throttle_.succeeded(network, request.user.view(), now);
    } else if (pam.outcome == LoginOutcome::denied) {
        const auto verdict = throttle_.failed(network, request.user.view(), now);
        decision.delay = verdict.delay;
        if (verdict.ban) announce(*verdict.ban);
    }
}

void FrontService::announce(const Ban& ban) {
    log::warning("address_banned", {{"network", ban.network},
                                    {"failures", ban.failures},
                                    {"user", ban.user},
                                    {"seconds", context_.config.ftps.ban_time.count()}});
    tell(ban);
}

asio::awaitable<void> FrontService::welcome(const message::LoginRequest& request, Decision& decision) {
    auto& reply = decision.reply;
    // Since PAM said yes, the account may have been removed, moved or given another password: while the
    // answer was delayed, and again while the worker started.
    const auto* served = context_.accounts.lab_of(request.user.view(), decision.account);
    if (!served) {
        decision.why = account_changed;
        answer(reply, LoginOutcome::denied, "");
        co_return;
    }
    const auto lab = *served;
    (void)reply.lab.assign(lab.name);
    if (const auto full = sessions_.refusal(request.user.view(), lab.name)) {
        decision.why = *full;
        answer(reply, LoginOutcome::busy, *full);
        co_return;
    }
    if (context_.draining || decision.run != run_) {
        answer(reply, LoginOutcome::unavailable, "The server is shutting down; try again later.");
        co_return;
    }
    // Counted before it is opened: of many at once only so many as there is room for.
    if (!sessions_.add(request.session, {request.user.str(), lab.name, request.peer.str(),
                                         std::chrono::system_clock::now()})) {
        decision.why = "the front asked twice for one session";
        answer(reply, LoginOutcome::unavailable, "");
        co_return;
    }
    const auto opened = co_await open_session(request, lab, decision.front_end);
    const bool unchanged = context_.accounts.lab_of(request.user.view(), decision.account) != nullptr;
    if (opened && unchanged) {
        answer(reply, LoginOutcome::ok, "");
        co_return;
    }
    if (decision.run == run_) end_session(request.session);
    if (opened) {
        decision.front_end.reset();  // the worker takes it for a client that has left
        decision.why = account_changed;
        answer(reply, LoginOutcome::denied, "");
        co_return;
    }
    decision.why = opened.error().text();
    log::error("session_not_opened", {{"lab", lab.name}, {"what", decision.why}});
    answer(reply, LoginOutcome::unavailable, "The lab is not available at the moment; try again later.");
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
    start.bound = request.bound;
    start.tls_version = request.tls_version;
    start.prot_private = request.prot_private;
    start.client = request.client;
    auto handed = co_await workers_.hand_over(lab, start, std::move(pair.second));
    if (!handed) co_return handed.error();
    front_end = std::move(pair.first);
    co_return Result<void>();
}

}  // namespace stowage::supervisor
