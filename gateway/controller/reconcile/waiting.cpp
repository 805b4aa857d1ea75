// Events and log lines of those who wait; the end of what they would wait for.
// Runs in: controller.
#include "gateway/controller/reconcile/waiting.hpp"

#include <boost/asio/co_spawn.hpp>

#include "gateway/base/counted.hpp"
#include "gateway/base/log.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

asio::awaitable<Result<Turns::Turn>> take_aloud(Turns& turns, std::string key, std::chrono::seconds limit,
                                                std::string lab, std::string whom, Report report) {
    const auto since = std::chrono::steady_clock::now();
    StepReport told{lab, "wait", ""};
    Turns::OnWait on_wait = [&](std::size_t others) {
        told.title = "waits for " + counted(others, whom);
        report(told);
        log::notice("lab_waits", {{"lab", lab}, {"what", told.title}});
    };
    auto turn = co_await turns.take(std::move(key), limit, std::move(on_wait));
    if (told.title.empty()) co_return turn;
    told.ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since)
                  .count();
    told.state = turn ? Progress::done : Progress::failed;
    if (!turn) told.error = turn.error();
    report(told);
    co_return turn;
}

namespace {

/// One that does not answer is told by what comes next.
asio::awaitable<void> send_stop(Context& context, Lab lab) {
    (void)co_await context.supervisor.step(request_for(lab, message::Step::stop_set_quota));
}

}  // namespace

void end_quota_step_of(Context& context, const std::string& lab) {
    if (auto there = context.state.lab(lab))
        asio::co_spawn(context.executor, send_stop(context, std::move(*there)), rethrow);
}

}  // namespace stowage::controller
