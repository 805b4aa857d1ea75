// Taking a lab away.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/controller/reconcile/lab_run.hpp"
#include "gateway/controller/reconcile/perform.hpp"
#include "gateway/controller/reconcile/schedule.hpp"
#include "gateway/controller/reconcile/step_runner.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds patience(3600);

/// Nobody may lose a mount by surprise: what cannot be known is a refusal too.
asio::awaitable<Result<void>> check_nobody_uses(Context& context, Lab lab) {
    const auto owned = context.state.data_source(lab.name);
    if (owned && owned->made && !context.registry.is_used())
        co_return Error{Code::config,
                        fmt::format("data source {} is in Run:ai, and runai.url is empty", owned->sent.name),
                        "set runai.url again, so that it can be taken away; nothing was changed"};
    if (!owned || owned->remote_id.empty() || !context.registry.is_used()) co_return Result<void>();
    auto unused = co_await context.registry.check_unused(owned->remote_id);
    if (!unused && is_transient(unused.error().code)) {
        auto error = unused.error();
        error.what =
            fmt::format("whether data source {} is in use is not known: {}", owned->sent.name, error.what);
        error.remedy = "try again when Run:ai answers; nothing was changed";
        co_return error;
    }
    co_return unused;
}

Phase phase_for(bool purge) {
    return purge ? Phase::leaving_data_purged : Phase::leaving_data_kept;
}

/// Somebody began to use the data source between our question and our deletion: the lab stays, nothing was
/// taken.
bool goes_back(const std::vector<StepRunner::Failure>& failures) {
    return !failures.empty() && failures.front().kind == StepKind::unregister_data_source &&
           failures.front().error.code == Code::in_use;
}

/// Those before the export: what they do does not hang on what is to be seen of the lab.
std::vector<Step> without_a_look(std::vector<Step> steps) {
    std::erase_if(steps, [](const Step& step) { return step.kind >= StepKind::withdraw_export; });
    return steps;
}

std::vector<Step> after_the_look(std::vector<Step> steps) {
    std::erase_if(steps, [](const Step& step) { return step.kind < StepKind::withdraw_export; });
    return steps;
}

/// Nothing where the lab's filesystem says nothing for so long, or cannot be looked at.
asio::awaitable<std::optional<message::LabObservation>> look_briefly(Context& context, Lab lab) {
    const auto request = request_to_look(context, lab);
    const auto seen = co_await context.supervisor.step(request, std::chrono::seconds(5));
    if (!seen) co_return std::nullopt;
    co_return *seen;
}

/// What is planned for Run:ai and for users, whatever there is to be seen of the lab's directory.
message::LabObservation unseen() {
    message::LabObservation seen;
    seen.root_marked = 1;
    return seen;
}

/// The lab's filesystem may hang: what can be refused for users' sake comes first, then nobody is served any
/// more, and then it is waited for.
/// @return whether data stays
asio::awaitable<bool> run_removal(Context& context, StepRunner& runner) {
    const auto lab = runner.lab();
    const auto owned = context.state.data_source(lab.name);
    // What has an id is taken away by it; only a creation that was cut off has to be looked for.
    ObservedRegistration registration = NoRunai{};
    if (owned && context.registry.is_used()) registration = KnownRegistration{};
    if (owned && owned->remote_id.empty()) registration = co_await context.registry.observe(lab);
    const auto plan = [&](const message::LabObservation& seen) {
        return plan_removal(lab, context.site, seen, registration, owned, context.state.accounts());
    };
    const auto glance = co_await look_briefly(context, lab);
    co_await runner.run(without_a_look(plan(glance ? *glance : unseen())));
    if (!runner.failures().empty()) co_return false;
    const bool may_be_exported = lab.directory != DirectoryPhase::none;
    if (may_be_exported) (void)co_await shut_out(context, lab, message::Step::withdraw_export);
    const auto seen = co_await observe_lab(context, lab);
    if (!seen) {
        runner.note_failure(StepKind::withdraw_export, seen.error(), "look at lab " + lab.name);
        co_return false;
    }
    co_await runner.run(after_the_look(plan(*seen)));
    co_return seen->directory_exists&& lab.phase == Phase::leaving_data_kept;
}

/// The lab would come back with it, and its users would be gone. What cannot be seen is left to the removal.
asio::awaitable<Result<void>> check_filesystem(Context& context, Lab lab) {
    if (lab.directory == DirectoryPhase::none) co_return Result<void>();
    const auto seen = co_await look_briefly(context, lab);
    if (!seen || !is_elsewhere(*seen)) co_return Result<void>();
    auto error = missing_filesystem(context.site);
    error.remedy += "; nothing was changed";
    co_return error;
}

}  // namespace

asio::awaitable<Result<void>> begin_removal(Context& context, std::string name, bool purge, Report report) {
    const auto lab = context.state.lab(name);
    if (!lab)
        co_return Error{Code::not_found, fmt::format("there is no lab {}", name), "see `stowage lab list`"};
    if (!lab->leaves()) {
        CO_CHECK(co_await check_filesystem(context, *lab));
        StepReport told{name, "check_unused", fmt::format("nobody uses data source {}-nfs", name)};
        report(told);
        auto unused = co_await check_nobody_uses(context, *lab);
        told.state = unused ? Progress::done : Progress::failed;
        if (!unused) told.error = unused.error();
        report(told);
        if (!unused) co_return unused;
    }
    // A second command may add that the data goes too, and never takes that back.
    if (lab->phase != Phase::leaving_data_purged) CO_CHECK(context.state.set_phase(name, phase_for(purge)));
    co_return context.state.set_status(name, LabState::deleting, "");
}

asio::awaitable<LabResult> go_on_removing(Context& context, std::string name, Report report) {
    const auto lab = context.state.lab(name);
    if (!lab) co_return LabResult{name, LabState::deleting, std::nullopt, true};
    StepRunner runner(context, *lab, std::move(report));
    const auto registering = co_await context.registrations.take(name, patience);
    if (!registering) {
        plan_next_pass(context, name, false);
        co_return LabResult{name, LabState::deleting, registering.error()};
    }
    const bool kept = co_await run_removal(context, runner);
    LabResult result{name, LabState::deleting};
    if (runner.failures().empty()) {
        result.gone = true;
        result.kept = kept;
        co_return result;
    }
    result.error = runner.failures().front().error;
    if (result.error->code == Code::cancelled) co_return result;
    const bool stays = goes_back(runner.failures());
    if (stays) {
        const auto back = context.state.set_phase(name, Phase::live);
        if (back) result.state = LabState::pending;
    }
    // Refused by a full disk, it is told again after the next pass.
    (void)context.state.set_status(name, result.state, result.error->text());
    plan_next_pass(context, name, false);
    co_return result;
}

}  // namespace stowage::controller
