// Journal before, deed, journal after.
// Runs in: controller.
#include "gateway/controller/reconcile/step_runner.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace stowage::controller {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr unsigned max_tries = 3;
constexpr std::chrono::milliseconds first_wait(500);

/// The Run:ai client has tried again by itself already; all else is worth it for what may pass. What had a
/// day and did not end in it has the next pass.
bool is_worth_another_try(const Step& step, const Error& error) {
    const bool had_a_day = step.kind == StepKind::set_quota || step.kind == StepKind::purge_directory;
    if (error.code == Code::timeout && had_a_day) return false;
    return is_transient(error.code) && step.kind != StepKind::register_data_source &&
           step.kind != StepKind::unregister_data_source;
}

/// Refused, or never sent: then it was not stored (see provisioning/runai/creation.hpp).
bool is_certainly_not_made(const Error& error) {
    switch (error.code) {
        case Code::unavailable:
        case Code::invalid:
        case Code::config:
        case Code::not_found:
        case Code::exists:
        case Code::differs:
        case Code::denied:
            return true;
        default:
            return false;
    }
}

asio::awaitable<void> pause(asio::any_io_executor executor, std::chrono::milliseconds time) {
    asio::steady_timer timer(executor, time);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace

void StepRunner::tell(const Step& step, Progress progress, Clock::time_point since, std::string detail,
                      std::optional<Error> error) const {
    StepReport report{step.lab, std::string(to_string(step.kind)), step.title, progress};
    report.ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
    report.detail = std::move(detail);
    report.error = std::move(error);
    report_(report);
}

void StepRunner::note_failure(StepKind kind, Error error, std::string title) {
    const Step step{.lab = lab_.name, .kind = kind, .title = std::move(title)};
    tell(step, Progress::failed, Clock::now(), "", error);
    failures_.push_back({kind, std::move(error), step});
}

bool StepRunner::is_blocked(const Step& step) const {
    return std::any_of(failures_.begin(), failures_.end(),
                       [&](const Failure& failure) { return depends_on(step, failure.step); });
}

/// One try. A journal that cannot be written is a reason not to begin.
asio::awaitable<Result<Performed>> StepRunner::once(Step step) {
    if (context_.draining)
        co_return Error{Code::cancelled, "the gateway is stopping", "it goes on when it is started again"};
    if (!is_journaled(step.kind)) co_return co_await perform(context_, lab_, step);
    const auto intent = intent_of(context_, lab_, step);
    CO_TRY(const auto id, context_.state.begin_step(lab_.name, to_string(step.kind), intent));
    if (intent.gives_project) lab_.project_id = intent.gives_project;
    auto performed = co_await perform(context_, lab_, step);
    if (!performed) {
        const bool not_made = intent.makes_data_source && is_certainly_not_made(performed.error());
        CO_CHECK(context_.state.fail_step(id, lab_.name, performed.error(), not_made));
        co_return performed;
    }
    CO_CHECK(context_.state.end_step(id, lab_.name, performed->outcome));
    if (performed->outcome.made_directory) lab_.directory = DirectoryPhase::made;
    co_return performed;
}

asio::awaitable<void> StepRunner::run_one(Step step) {
    const auto since = Clock::now();
    tell(step, Progress::start, since, step.detail);
    auto wait = first_wait;
    for (unsigned tries = 1;; ++tries) {
        auto performed = co_await once(step);
        if (performed) {
            if (!step.only_mount) done_.push_back(step.kind);
            tell(step, Progress::done, since, performed->detail.empty() ? step.detail : performed->detail);
            co_return;
        }
        const auto& error = performed.error();
        if (tries == max_tries || context_.draining || !is_worth_another_try(step, error)) {
            tell(step, Progress::failed, since, "", error);
            failures_.push_back({step.kind, error, step});
            co_return;
        }
        tell(step, Progress::retry, since, "", error);
        co_await pause(context_.executor, wait);
        wait *= 4;
    }
}

asio::awaitable<void> StepRunner::run(std::vector<Step> steps) {
    for (auto& step : steps) {
        if (is_blocked(step)) continue;
        if (step.error) {
            tell(step, Progress::failed, Clock::now(), step.detail, step.error);
            failures_.push_back({step.kind, *step.error, step});
        } else if (step.does_something()) {
            co_await run_one(step);
        } else {
            tell(step, Progress::unchanged, Clock::now(), step.detail);
        }
    }
}

}  // namespace stowage::controller
