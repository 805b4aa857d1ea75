// Permit, token, tries.
// Runs in: controller. Distrusts: every reply.
#include "provisioning/runai/caller.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"
#include "provisioning/runai/judgement.hpp"
#include "provisioning/runai/retry.hpp"

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace stowage::runai {
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
constexpr auto refresh_early = std::chrono::seconds(60);
// For a token that does not say how long it lives; a 401 tells when this was too long.
constexpr auto unknown_lifetime = std::chrono::seconds(300);
// Some say that they live for ever, and a clock counts nanoseconds in 63 bits.
constexpr std::chrono::seconds longest_lifetime = std::chrono::hours(24);

Error cancelled(const Call& call) {
    return {Code::cancelled, call.name() + ": cancelled"};
}

/// Gives its permit back when it goes out of scope.
class Permit {
  public:
    explicit Permit(Caller& caller) : caller_(caller) { --caller_.permits; }
    ~Permit() {
        ++caller_.permits;
        // All of them, for one that is woken might have been cancelled in the meantime.
        caller_.permit_given.cancel();
    }
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

  private:
    Caller& caller_;
};

asio::awaitable<Exchange> exchange(std::shared_ptr<Caller> caller, HttpRequest request) {
    // Bounded: whoever holds a permit is done within request_timeout.
    while (caller->permits == 0 && !caller->stopped)
        co_await caller->permit_given.async_wait(nothrow);
    const Permit permit(*caller);
    const auto deadline = Clock::now() + caller->settings.request_timeout;
    co_return co_await caller->connections->exchange(std::move(request), deadline);
}

asio::awaitable<Attempt> send(std::shared_ptr<Caller> caller, Call call) {
    if (auto refused = caller->circuit.refusal(call.name())) {
        Attempt out;
        out.error = std::move(*refused);
        co_return out;
    }
    HttpRequest request;
    request.method = call.method;
    request.target = call.path + call.query;
    request.body = call.body;
    if (call.authorized) request.bearer_token = caller->token.clone();
    const auto started = Clock::now();
    auto exchanged = co_await exchange(caller, std::move(request));
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started);
    log::debug("runai_call", {{"call", call.name()},
                              {"status", exchanged.response ? exchanged.response->status : 0U},
                              {"ms", spent.count()}});
    const bool alive = exchanged.response && exchanged.response->status < 500;
    auto out = judged(call, exchanged);
    // 429 and refusals are answers of a server that is there; a call that was called off says nothing of it.
    if (alive)
        caller->circuit.note_answer();
    else if (out.error.code != Code::cancelled)
        caller->circuit.note_failure(out.error);
    co_return out;
}

Result<void> keep_token(Caller& caller, const Call& call, const Reply& reply) {
    if (reply.status >= 400) {
        Error error{Code::denied,
                    fmt::format("{}: Run:ai refuses the credentials: {} {}", call.name(), reply.status,
                                reply.error_text),
                    "check runai.client_id and the secret in runai.client_secret_file"};
        return error;
    }
    TRY(auto token, token_in(call.name(), reply.json));
    const auto lifetime = std::min(token.lifetime.value_or(unknown_lifetime), longest_lifetime);
    if (lifetime <= std::chrono::seconds(0))
        return Error{Code::denied, call.name() + ": the token has run out already",
                     "set the clocks of this node and of the control plane right"};
    if (token.issued_at)
        caller.clock_ahead = std::chrono::seconds(
            *token.issued_at - std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
    caller.token = std::move(token.text);
    ++caller.token_number;
    const auto early = std::min<std::chrono::seconds>(refresh_early, lifetime / 2);
    caller.token_good_until = Clock::now() + (lifetime - early);
    return {};
}

/// Its own coroutine, so that no single call that waits for the token can take it away from the others.
asio::awaitable<void> refresh_token(std::shared_ptr<Caller> caller,
                                    std::shared_ptr<Caller::Refresh> refresh) {
    Call call;
    call.method = Method::post;
    call.path = "/api/v1/token";
    call.body = token_request(caller->settings.client_id, caller->settings.client_secret);
    call.authorized = false;
    auto reply = co_await perform(caller, call);
    explicit_bzero(call.body.data(), call.body.size());
    if (reply)
        refresh->outcome = keep_token(*caller, call, *reply);
    else
        refresh->outcome = reply.error();
    refresh->finished = true;
    if (caller->refresh == refresh) caller->refresh.reset();
    refresh->done.cancel();
}

asio::awaitable<Result<void>> have_token(std::shared_ptr<Caller> caller) {
    if (!caller->token.empty() && Clock::now() < caller->token_good_until) co_return Result<void>();
    auto refresh = caller->refresh;
    if (!refresh) {
        refresh = std::make_shared<Caller::Refresh>(caller->executor);
        refresh->done.expires_at(Clock::time_point::max());
        caller->refresh = refresh;
        // Over before it returns, and caller->refresh empty again, when nothing is sent: an open circuit.
        asio::co_spawn(caller->executor, refresh_token(caller, refresh), asio::detached);
    }
    // Bounded by the tries of refresh_token().
    while (!refresh->finished)
        co_await refresh->done.async_wait(nothrow);
    co_return refresh->outcome;
}

}  // namespace

Caller::Caller(asio::any_io_executor executor_, Settings settings_, std::unique_ptr<Connections> connections_)
    : executor(std::move(executor_)),
      settings(std::move(settings_)),
      connections(std::move(connections_)),
      circuit(settings.circuit),
      permits(settings.max_parallel),
      permit_given(executor, Clock::time_point::max()),
      random(std::random_device()()) {}

void Caller::stop() {
    stopped = true;
    connections->stop();
    permit_given.cancel();
    for (auto& timer : sleeping)
        timer.cancel();
}

asio::awaitable<Attempt> attempt(std::shared_ptr<Caller> caller, Call call) {
    Attempt out;
    for (int renewals = 0;; ++renewals) {
        if (call.authorized) {
            auto token = co_await have_token(caller);
            if (!token) {
                // Its own tries are spent; more of them here would multiply.
                out.verdict = Verdict::failed;
                out.error = token.error();
                co_return out;
            }
        }
        const auto number = caller->token_number;
        out = co_await send(caller, call);
        if (!call.authorized || out.verdict != Verdict::answered || out.reply.status != 401 || renewals > 0)
            break;
        log::info("runai_token_refused", {{"call", call.name()}});
        // Others may have renewed it while this call was under way.
        if (caller->token_number == number) caller->token.wipe();
    }
    co_return out;
}

asio::awaitable<bool> wait_for_next_try(std::shared_ptr<Caller> caller, std::string name, unsigned tries_done,
                                        std::shared_ptr<Attempt> last) {
    const auto& retries = caller->settings.retries;
    if (last->verdict == Verdict::failed || tries_done >= retries.max_tries) co_return false;
    if (last->retry_after.value_or(std::chrono::seconds(0)) > retries.max_retry_after) {
        last->error.remedy = fmt::format("it asks to be left alone for {} s", last->retry_after->count());
        co_return false;
    }
    const double random = static_cast<double>(caller->random() - caller->random.min()) /
                          (static_cast<double>(caller->random.max() - caller->random.min()) + 1);
    auto wait = wait_before_retry(retries, tries_done, random);
    if (last->retry_after) wait = std::max<std::chrono::milliseconds>(wait, *last->retry_after);
    log::info(
        "runai_retry",
        {{"call", name}, {"tries", tries_done}, {"wait_ms", wait.count()}, {"why", last->error.text()}});
    const auto timer = caller->sleeping.emplace(caller->sleeping.end(), caller->executor, wait);
    if (!caller->stopped) co_await timer->async_wait(nothrow);
    caller->sleeping.erase(timer);
    if (caller->stopped) last->error = Error{Code::cancelled, name + ": cancelled"};
    co_return !caller->stopped;
}

asio::awaitable<bool> pause(std::shared_ptr<Caller> caller, unsigned looks) {
    const auto wait = wait_before_retry(caller->settings.retries, looks, 0.5);
    const auto timer = caller->sleeping.emplace(caller->sleeping.end(), caller->executor, wait);
    if (!caller->stopped) co_await timer->async_wait(nothrow);
    caller->sleeping.erase(timer);
    co_return !caller->stopped;
}

asio::awaitable<Result<Reply>> perform(std::shared_ptr<Caller> caller, Call call) {
    const auto last = std::make_shared<Attempt>();
    for (unsigned tries = 1;; ++tries) {
        if (caller->stopped) co_return cancelled(call);
        *last = co_await attempt(caller, call);
        if (last->verdict == Verdict::answered) co_return std::move(last->reply);
        const bool again = co_await wait_for_next_try(caller, call.name(), tries, last);
        if (!again) co_return std::move(last->error);
    }
}

}  // namespace stowage::runai
