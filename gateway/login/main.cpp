// stowage-login: receives one attempt, asks PAM, answers, exits.
// Runs in: login. Distrusts: user name and password, and PAM modules, which may hang.
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

#include "gateway/base/ipc.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/privileges.hpp"
#include "gateway/login/pam_attempt.hpp"

namespace {

using namespace stowage;

// The supervisor waits 35 s, so it always hears why.
constexpr std::chrono::seconds limit{30};

// On its own thread, because a module may block or change any signal that could interrupt it.
void run(message::LoginAttempt attempt, std::promise<message::LoginResult> promise) {
    auto result = login::attempt(attempt);
    explicit_bzero(&attempt, sizeof attempt);
    promise.set_value(result);
}

message::LoginResult ask_pam(const message::LoginAttempt& attempt) {
    std::promise<message::LoginResult> promise;
    auto answer = promise.get_future();
    std::thread(run, attempt, std::move(promise)).detach();
    if (answer.wait_for(limit) == std::future_status::ready) return answer.get();
    message::LoginResult late;
    late.outcome = message::LoginOutcome::unavailable;
    late.reason.assign_cut("a PAM module did not answer within 30 s; look at the modules of this service");
    return late;
}

message::LoginAttempt receive_attempt() {
    return or_throw(or_throw(ipc::receive(ipc::supervisor_fd)).as<message::LoginAttempt>());
}

}  // namespace

int main() {
    log::start("login", log::Level::info);
    int status = 1;
    try {
        privileges::harden();
        (void)::mallopt(M_ARENA_MAX, 1);  // the second thread needs no memory of its own
        for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP})
            (void)::signal(number, SIG_IGN);
        auto attempt = receive_attempt();
        const auto result = ask_pam(attempt);
        explicit_bzero(&attempt, sizeof attempt);
        or_throw(ipc::send(ipc::supervisor_fd, result));
        status = 0;
    } catch (const std::exception& error) {
        log::error("login_failed", {{"why", error.what()}});
    }
    // Not exit(): a module that hangs may still be using what static destructors would take away.
    ::_exit(status);
}
