// Taking a lab away.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/controller/reconcile/lab_run.hpp"
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

/// The lab would come back with it, and its users would be gone. What cannot be looked at is left to the
/// removal.
asio::awaitable<Result<void>> check_filesystem(Context& context, Lab lab) {
    if (lab.directory == DirectoryPhase::none) co_return Result<void>();
    const auto request = request_to_look(context, lab);
    const auto seen = co_await context.supervisor.step(request);
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
    const auto seen = co_await observe_lab(context, *lab);
    if (seen) {
        const auto owned = context.state.data_source(name);
        // What has an id is taken away by it; only a creation that was cut off has to be looked for.
        ObservedRegistration registration = NoRunai{};
        if (owned && context.registry.is_used()) registration = KnownRegistration{};
        if (owned && owned->remote_id.empty()) registration = co_await context.registry.observe(*lab);
        auto steps = plan_removal(*lab, context.site, *seen, registration, owned, context.state.accounts());
        co_await runner.run(std::move(steps));
    } else {
        runner.note_failure(StepKind::unregister_data_source, seen.error(), "look at lab " + name);
    }
    LabResult result{name, LabState::deleting};
    if (runner.failures().empty()) {
        result.gone = true;
        result.kept = seen->directory_exists && lab->phase == Phase::leaving_data_kept;
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
