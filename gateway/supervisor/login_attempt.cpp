// One run of the login process.
// Runs in: supervisor. Distrusts: PAM modules, which are other people's code and may hang.
#include "gateway/supervisor/login_attempt.hpp"

#include <string.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "gateway/base/log.hpp"
#include "gateway/supervisor/service.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds login_limit{35};  // stowage-login gives up by itself after 30

message::LoginResult unavailable(const std::string& reason) {
    message::LoginResult result;
    result.outcome = message::LoginOutcome::unavailable;
    result.reason.assign_cut(reason);
    return result;
}

Result<void> send_attempt(const Context& context, const message::LoginRequest& request,
                          ipc::Channel& channel) {
    message::LoginAttempt attempt;
    attempt.user = request.user;
    attempt.password = request.password;
    attempt.peer = request.peer;
    const bool fits = attempt.pam_service.assign(context.config.accounts.pam_service) &&
                      attempt.pam_confdir.assign(context.config.accounts.pam_confdir);
    auto sent =
        fits ? channel.send(attempt) : Result<void>(Error{Code::config, "accounts.pam_confdir is too long"});
    explicit_bzero(&attempt, sizeof attempt);
    return sent;
}

}  // namespace

asio::awaitable<message::LoginResult> attempt_login(const Context& context,
                                                    const message::LoginRequest& request) {
    const ProcessSpec spec{"login", context.executable("stowage-login")};
    auto started = Process::start(context.io.get_executor(), spec);
    if (!started) co_return unavailable(started.error().text());
    auto& process = **started;
    auto sent = send_attempt(context, request, process.channel());
    if (!sent) co_return unavailable(sent.error().text());

    asio::steady_timer limit(co_await asio::this_coro::executor);
    process.kill_after(limit, login_limit);
    auto packet = co_await process.channel().receive();
    auto result = packet ? packet->as<message::LoginResult>() : Result<message::LoginResult>(packet.error());
    co_await process.wait_or_kill(std::chrono::seconds(2));
    co_return result ? *result : unavailable("stowage-login gave no answer");
}

}  // namespace stowage::supervisor
