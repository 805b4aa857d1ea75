// The deed behind each kind of step.
// Runs in: controller.
#include "gateway/controller/reconcile/perform.hpp"

#include <fmt/format.h>

#include "gateway/controller/reconcile/accounts.hpp"
#include "gateway/controller/reconcile/verification.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

asio::awaitable<Result<Performed>> root_step(Context& context, Lab lab, message::Step step,
                                             bool only_mount = false) {
    auto request = request_for(lab, step);
    request.only_mount = only_mount;
    // Between the look and the step the filesystem may have been unmounted.
    if (step == message::Step::make_directory) {
        const auto root = context.state.labs_root();
        request.labs_were_made = context.state.labs_were_made();
        request.labs_root = root.id;
        request.labs_root_known = root.known;
    }
    auto done = co_await context.supervisor.step(request);
    if (!done) co_return done.error();
    Performed performed;
    performed.outcome.made_directory = step == message::Step::make_directory;
    co_return performed;
}

Result<Performed> serve(Context& context, const Lab& lab) {
    CHECK(context.supervisor.put_lab(served_form(lab, context.site)));
    for (const auto& account : context.state.accounts())
        if (account.lab == lab.name && account.phase == AccountPhase::active)
            context.supervisor.put_account(account.user, account.lab);
    return Performed{};
}

Performed stop_serving(Context& context, const Lab& lab) {
    for (const auto& account : context.state.accounts())
        if (account.lab == lab.name) context.supervisor.remove_account(account.user);
    context.supervisor.remove_lab(lab.name);
    return {};
}

/// The scope that the plan saw: it is not looked up again between plan and deed.
DataSourceScope scope_seen(const Context& context, const std::string& lab) {
    const auto seen = context.seen.find(lab);
    if (seen == context.seen.end()) return {};
    const auto* known = std::get_if<KnownRegistration>(&seen->second.registration);
    return known ? known->scope : DataSourceScope();
}

/// So that it is shown as it is now, not as it was before the step.
void remember_registered(Context& context, const std::string& lab, const OwnedDataSource& owned) {
    runai::ObservedDataSource found;
    found.id = owned.remote_id;
    found.scope = owned.sent.project_id.empty() ? "department" : "project";
    found.value = owned.sent;
    const DataSourceScope scope{owned.sent.department_id, owned.sent.project_id};
    context.seen[lab].registration = KnownRegistration{scope, std::move(found)};
}

asio::awaitable<Result<Performed>> register_data_source(Context& context, Lab lab, Step step) {
    Performed performed;
    performed.detail = step.detail;
    if (step.change == Change::adopt) {
        performed.outcome.data_source = step.data_source;
        co_return performed;
    }
    auto wanted = data_source_form(lab, context.site, scope_seen(context, lab.name));
    if (step.change == Change::change) {
        CO_TRY(performed.outcome.data_source,
               co_await context.registry.update(step.data_source->remote_id, std::move(wanted)));
    } else {
        CO_TRY(performed.outcome.data_source, co_await context.registry.create(std::move(wanted)));
        performed.detail = "id " + performed.outcome.data_source->remote_id;
    }
    remember_registered(context, lab.name, *performed.outcome.data_source);
    co_return performed;
}

asio::awaitable<Result<Performed>> unregister(Context& context, Step step) {
    Performed performed;
    performed.outcome.drops_data_source = true;
    performed.detail = step.detail;
    if (step.data_source && !step.data_source->remote_id.empty())
        CO_CHECK(co_await context.registry.remove(step.data_source->remote_id));
    co_return performed;
}

Result<Performed> forget(Context& context, const Lab& lab) {
    const auto seen = context.seen.find(lab.name);
    const bool observed = seen != context.seen.end() && seen->second.storage;
    // Nothing was ever made, and nothing is there: then no file can bear the uid.
    const bool never_made =
        lab.directory == DirectoryPhase::none && observed && !seen->second.storage->directory_exists;
    CHECK(context.state.forget_lab(lab.name, lab.phase == Phase::leaving_data_purged || never_made));
    context.seen.erase(lab.name);
    context.due.erase(lab.name);
    return Performed{};
}

}  // namespace

bool is_journaled(StepKind kind) {
    return kind != StepKind::serve_ftps && kind != StepKind::withdraw_ftps;
}

StepIntent intent_of(const Context& context, const Lab& lab, const Step& step) {
    StepIntent intent;
    intent.unverifies = step.kind <= StepKind::publish_export;
    intent.makes_directory = step.kind == StepKind::make_directory;
    if (step.kind == StepKind::set_quota) intent.gives_project = step.project_id;
    if (step.kind == StepKind::register_data_source && step.change == Change::create)
        intent.makes_data_source = data_source_form(lab, context.site, scope_seen(context, lab.name));
    return intent;
}

asio::awaitable<Result<bool>> shut_out(Context& context, Lab lab, message::Step step) {
    auto request = request_for(lab, step);
    request.only_server = 1;
    CO_TRY(const auto changed, co_await context.supervisor.step(request));
    co_return changed.export_present != 0;
}

asio::awaitable<Result<Performed>> perform(Context& context, Lab lab, Step step) {
    switch (step.kind) {
        case StepKind::make_directory:
            co_return co_await root_step(context, lab, message::Step::make_directory, step.only_mount);
        case StepKind::set_quota:
            co_return co_await root_step(context, lab, message::Step::set_quota);
        case StepKind::publish_export:
            co_return co_await root_step(context, lab, message::Step::publish_export);
        case StepKind::serve_ftps:
            co_return serve(context, lab);
        case StepKind::check_mount:
            co_return co_await check_lab(context, lab);
        case StepKind::register_data_source:
            co_return co_await register_data_source(context, lab, step);
        case StepKind::unregister_data_source:
            co_return co_await unregister(context, step);
        case StepKind::withdraw_ftps:
            co_return stop_serving(context, lab);
        case StepKind::remove_account: {
            CO_CHECK(co_await remove_user(context, step.user));
            co_return Performed{};
        }
        case StepKind::withdraw_export:
            co_return co_await root_step(context, lab, message::Step::withdraw_export);
        case StepKind::purge_directory:
            co_return co_await root_step(context, lab, message::Step::purge_directory);
        case StepKind::forget_lab:
            co_return forget(context, lab);
    }
    co_return Error{Code::internal, "a step of an unknown kind"};
}

}  // namespace stowage::controller
