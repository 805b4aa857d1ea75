// The passes over labs.
// Runs in: controller.
#include "gateway/controller/reconcile/schedule.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "gateway/base/log.hpp"
#include "gateway/controller/reconcile/lab_run.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds first_retry(5000);
constexpr unsigned most_doublings = 12;
constexpr seconds turn_patience(3600);
constexpr seconds longest_sleep(60);
/// How old a look at Run:ai may be that labs share whose passes come one after another.
constexpr seconds oldest_look(30);

asio::awaitable<SharedSince> share_looks(milliseconds interval) {
    co_return SharedSince(Clock::now() - std::min<milliseconds>(oldest_look, interval / 4));
}

asio::awaitable<void> pass(Context& context, std::string lab) {
    const Work work(context);
    auto turn = co_await context.labs.take(lab, turn_patience);
    const auto record = context.state.lab(lab);
    Report report = log_report;
    if (turn && record && record->leaves()) {
        (void)co_await go_on_removing(context, lab, report);
    } else if (turn && record) {
        BetweenParts between = [&context] { return share_looks(context.config.reconcile_interval); };
        (void)co_await reconcile_lab(context, lab, std::move(*turn), report, context.config.labs.drift,
                                     std::move(between));
    }
    if (const auto due = context.due.find(lab); due != context.due.end()) due->second.under_way = false;
}

/// Labs that came or went since; then those that are due begin.
void begin_due_passes(Context& context) {
    const auto labs = context.state.labs();
    for (const auto& lab : labs)
        context.due.try_emplace(lab.name);
    std::erase_if(context.due, [&](const auto& entry) {
        return std::none_of(labs.begin(), labs.end(),
                            [&](const Lab& lab) { return lab.name == entry.first; });
    });
    for (auto& [lab, due] : context.due) {
        if (due.under_way || due.at > Clock::now()) continue;
        due.under_way = true;
        asio::co_spawn(context.executor, pass(context, lab), rethrow);
    }
}

Clock::time_point next_wake(const Context& context) {
    auto wake = Clock::now() + longest_sleep;
    for (const auto& [lab, due] : context.due)
        if (!due.under_way) wake = std::min(wake, due.at);
    return wake;
}

}  // namespace

double random_fraction() {
    static std::mt19937 generator{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(generator);
}

milliseconds time_to_next_pass(seconds interval, unsigned failures, double random) {
    const milliseconds whole = interval;
    if (failures == 0)
        return milliseconds(
            static_cast<std::int64_t>(static_cast<double>(whole.count()) * (0.9 + 0.2 * random)));
    const auto doublings = std::min(failures - 1, most_doublings);
    const auto backoff = std::min<milliseconds>(first_retry * (1u << doublings), whole);
    return milliseconds(
        static_cast<std::int64_t>(static_cast<double>(backoff.count()) * (0.75 + 0.25 * random)));
}

void plan_next_pass(Context& context, const std::string& lab, bool ready) {
    auto& due = context.due[lab];
    due.failures = ready ? 0 : due.failures + 1;
    due.at =
        Clock::now() + time_to_next_pass(context.config.reconcile_interval, due.failures, random_fraction());
    context.due_changed.cancel();
}

asio::awaitable<void> keep_labs(Context& context) {
    for (const auto& cut_off : or_throw(context.state.take_interrupted()))
        log::notice("interrupted_step", {{"lab", cut_off.lab}, {"step", cut_off.step}});
    while (!context.draining) {
        begin_due_passes(context);
        context.due_changed.expires_at(next_wake(context));
        boost::system::error_code ignored;
        co_await context.due_changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

}  // namespace stowage::controller
