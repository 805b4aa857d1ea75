// Observe, plan, do, verify; first on this node, then in Run:ai.
// Runs in: controller.
#include "gateway/controller/reconcile/lab_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/log.hpp"
#include "gateway/controller/plan/export_plan.hpp"
#include "gateway/controller/reconcile/drift_log.hpp"
#include "gateway/controller/reconcile/perform.hpp"
#include "gateway/controller/reconcile/reasons.hpp"
#include "gateway/controller/reconcile/schedule.hpp"
#include "gateway/controller/reconcile/step_runner.hpp"
#include "gateway/controller/reconcile/waiting.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds patience(86400);

/// By the newest look: the mount check has looked again, if anything was done.
void remember_right(Context& context, const std::string& lab, const std::string& wanted) {
    const auto& seen = context.seen[lab].storage;
    // What enforces its quota is known for sure only of a directory that is there.
    if (!seen || !seen->directory_exists) return;
    // Not written down, it is written after the next pass.
    (void)context.state.set_found_right(lab, {wanted, context.boot, seen->quota_backend});
}

/// Who is no client any more does not wait for a place, nor for a look that may hang.
/// @returns whether there was anybody
asio::awaitable<bool> begin_change(Context& context, Lab lab, FoundRight right) {
    // What is changed towards other settings now is nobody else's change when these come back.
    if (!right.wanted.empty())
        if (const auto forgotten = context.state.set_found_right(lab.name, {}); !forgotten)
            log::warning("state_not_written", {{"lab", lab.name}, {"why", forgotten.error().text()}});
    if (lab.directory != DirectoryPhase::made) co_return false;
    // The supervisor takes so many steps at once; a changed default may change all labs.
    const auto place = co_await context.shutting.take("", patience);
    if (!place) co_return false;
    const auto shut = co_await shut_out(context, lab, message::Step::publish_export);
    co_return shut.has_value() && shut.value();
}

/// What is done already is read back, told and checked as any other change of clients, in its place before
/// the limit.
void confirm_export(std::vector<Step>& steps) {
    for (auto& step : steps)
        if (step.change == Change::unchanged &&
            (step.kind == StepKind::publish_export || step.kind == StepKind::check_mount))
            step.change = Change::change;
    const auto directory = steps.begin();
    const auto exported = std::find_if(
        steps.begin(), steps.end(), [](const Step& step) { return step.kind == StepKind::publish_export; });
    if (exported != steps.end()) std::rotate(directory + 1, exported, exported + 1);
}

/// It would wait for the end of the walk, or end it.
bool has_newer_request(const Context& context, const Lab& lab) {
    const auto now = context.state.lab(lab.name);
    return context.labs.is_waited_for(lab.name) || !now || now->settings != lab.settings;
}

/// Where no place is free, a later pass finds one: who waits for days holds the lab's turn as long.
asio::awaitable<void> run_walk(Context& context, StepRunner& runner, Step walk) {
    const auto place = co_await context.walks.take("", std::chrono::seconds(0));
    if (!place)
        walk.error =
            Error{Code::unavailable,
                  fmt::format("the trees of {} other labs are being read, each to the end", walks_at_once),
                  "a later pass reads this one; until then its limit is not set"};
    else if (has_newer_request(context, runner.lab()))
        walk.error = Error{Code::cancelled, "not begun: a newer request waits, which goes on with it"};
    std::vector<Step> one;
    one.push_back(std::move(walk));
    co_await runner.run(std::move(one));
}

/// A walk may take a day: meanwhile its lab has no place that others wait for.
asio::awaitable<void> run_in_place(Context& context, StepRunner& runner, std::vector<Step> steps,
                                   std::optional<Turns::Turn> place) {
    const auto walk = std::find_if(steps.begin(), steps.end(),
                                   [](const Step& step) { return step.walks && step.does_something(); });
    if (walk == steps.end()) co_return co_await runner.run(std::move(steps));
    std::vector<Step> before(steps.begin(), walk), after(walk + 1, steps.end());
    co_await runner.run(std::move(before));
    place.reset();
    co_await run_walk(context, runner, std::move(*walk));
    const auto again =
        co_await take_aloud(context.storage, "", patience, runner.lab().name, "other lab", runner.report());
    co_await runner.run(std::move(after));
}

/// Directory, quota, export, FTPS, mount check. Only so many labs at once, so that a hundred of them do not
/// start a hundred root steps.
/// @return drift that is still there, in words
asio::awaitable<std::string> run_storage(Context& context, StepRunner& runner, DriftPolicy policy) {
    const auto wanted = wanted_form(runner.lab(), context.site);
    const auto right = context.state.found_right(runner.lab().name);
    bool narrowed = false;
    if (right.wanted != wanted) narrowed = co_await begin_change(context, runner.lab(), right);
    std::optional<Turns::Turn> place;
    if (auto taken = co_await take_aloud(context.storage, "", patience, runner.lab().name, "other lab",
                                         runner.report()))
        place.emplace(std::move(*taken));
    auto seen = co_await observe_lab(context, runner.lab());
    if (!seen) {
        auto error = seen.error();
        if (narrowed) error.what += "; who is no client any more is shut out already";
        runner.note_failure(StepKind::make_directory, std::move(error),
                            "look at " + context.site.directory_of(runner.lab().name));
        co_return std::string();
    }
    const auto lab = runner.lab();
    auto steps = plan_storage(lab, context.site, with_what_is_known(context, lab, *seen));
    const auto drift = find_drift(right, wanted, context.boot, *seen, steps);
    const bool looked = looks_for_drift(right, wanted, *seen, steps);
    if (policy == DriftPolicy::report) leave_alone(steps, drift);
    if (!right.wanted.empty() && right.wanted != wanted) hide_former_export(steps);
    if (narrowed) confirm_export(steps);
    co_await run_in_place(context, runner, std::move(steps), std::move(place));
    auto open = note_drift(context, runner, drift, looked);
    if (open.empty() && runner.failures().empty()) remember_right(context, lab.name, wanted);
    co_return open;
}

struct Verdict {
    LabState state = LabState::ready;
    std::string why = {};
};

/// The share itself decides between failed and the rest; Run:ai can only degrade a lab.
Verdict judge(const std::vector<StepRunner::Failure>& failures, const std::string& drift) {
    for (const auto& [kind, error, step] : failures)
        if (kind != StepKind::register_data_source && kind != StepKind::unregister_data_source)
            return {is_transient(error.code) ? LabState::pending : LabState::failed, error.text()};
    if (!drift.empty())
        return {LabState::degraded,
                fmt::format("changed by somebody else: {}; `stowage apply` sets right what is "
                            "ours, or set it right by hand",
                            drift)};
    if (failures.empty()) return {};
    const auto& error = failures.front().error;
    return {LabState::degraded,
            std::string(is_transient(error.code) ? waits_for_runai : "not registered in Run:ai: ") +
                error.text()};
}

/// Writes the verdict down, if it is a new one, and says when to look again.
LabResult conclude(Context& context, const StepRunner& runner, const std::string& drift = {}) {
    const auto& name = runner.lab().name;
    const auto verdict = judge(runner.failures(), drift);
    LabResult result{name, verdict.state};
    if (!runner.failures().empty()) result.error = runner.failures().front().error;
    const bool stopped = result.error && result.error->code == Code::cancelled;
    if (stopped) {
        result.state = LabState::pending;
        return result;
    }
    // A database that cannot be written must not hide how the lab is doing: the result tells it all the same.
    auto written = context.state.set_status(name, verdict.state, verdict.why);
    if (!written && !result.error) result.error = written.error();
    plan_next_pass(context, name, result.state == LabState::ready);
    return result;
}

std::vector<Step> plan_by(Context& context, const Lab& lab, ObservedRegistration registration) {
    auto steps = plan_registration(lab, context.site, registration, context.state.data_source(lab.name));
    context.seen[lab.name].registration = std::move(registration);
    return steps;
}

/// By a look that may be some moments old: nothing is to be done, or nobody can be asked.
bool will_do(const Context& context, const Lab& lab, const std::vector<Step>& steps) {
    const auto& seen = context.seen.at(lab.name).registration;
    if (const auto* unknown = std::get_if<UnknownRegistration>(&seen))
        return is_transient(unknown->error.code);
    return std::none_of(steps.begin(), steps.end(),
                        [](const Step& step) { return step.change != Change::unchanged || step.error; });
}

}  // namespace

asio::awaitable<std::vector<Step>> look_at_registration(Context& context, Lab lab, SharedSince since) {
    if (since) {
        auto shared = co_await context.registry.observe_shared(lab, *since);
        auto steps = plan_by(context, lab, std::move(shared));
        if (will_do(context, lab, steps)) co_return steps;
    }
    auto registration = co_await context.registry.observe(lab);
    co_return plan_by(context, lab, std::move(registration));
}

asio::awaitable<LabResult> reconcile_lab(Context& context, std::string name, Turns::Turn given, Report report,
                                         DriftPolicy policy, BetweenParts between) {
    std::optional<Turns::Turn> turn(std::move(given));
    const auto lab = context.state.lab(name);
    if (!lab || lab->leaves()) co_return LabResult{name, LabState::deleting, std::nullopt, !lab};
    StepRunner runner(context, *lab, std::move(report));
    const auto drift = co_await run_storage(context, runner, policy);
    turn.reset();
    SharedSince since;
    if (between) since = co_await between();
    const auto registering = co_await context.registrations.take(name, patience);
    // Others may have changed the lab meanwhile, or begun to delete it.
    const auto now = context.state.lab(name);
    if (!now || now->leaves()) co_return LabResult{name, LabState::deleting, std::nullopt, !now};
    if (registering) {
        auto steps = co_await look_at_registration(context, *now, since);
        co_await runner.run(std::move(steps));
    } else {
        runner.note_failure(StepKind::register_data_source, registering.error(), "data source of " + name);
    }
    co_return conclude(context, runner, drift);
}

asio::awaitable<LabResult> verify_lab(Context& context, std::string name, Report report) {
    const auto lab = context.state.lab(name);
    if (!lab || lab->leaves()) co_return LabResult{name, LabState::deleting, std::nullopt, !lab};
    StepRunner runner(context, *lab, std::move(report));
    std::vector<Step> check;
    check.push_back({.lab = name,
                     .kind = StepKind::check_mount,
                     .title = "mount check of " + context.site.directory_of(name),
                     .change = Change::change});
    co_await runner.run(std::move(check));
    auto steps = co_await look_at_registration(context, *lab);
    for (auto& step : steps) {
        // What stands in its way has its own remedy, which no pass can do.
        if (!step.does_something() || step.error) continue;
        step.error =
            Error{Code::differs,
                  fmt::format("{} is not as it should be: {}", step.title,
                              step.detail.empty() ? to_string(step.change) : step.detail),
                  fmt::format("`stowage verify {} --repair` or the next pass sets it right", lab->name)};
    }
    co_await runner.run(std::move(steps));
    co_return conclude(context, runner);
}

}  // namespace stowage::controller
