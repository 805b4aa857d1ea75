// The Run:ai part of plan and apply.
// Runs in: controller. Distrusts: Run:ai.
#include "gateway/controller/control/site_work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>

#include "gateway/base/log.hpp"
#include "gateway/base/same_url.hpp"
#include "gateway/controller/control/site_request.hpp"
#include "gateway/controller/control/site_watch.hpp"
#include "gateway/controller/control/views.hpp"
#include "gateway/controller/plan/site_left.hpp"
#include "gateway/controller/plan/unknown_pools.hpp"
#include "gateway/controller/reconcile/reasons.hpp"
#include "gateway/controller/site/observe.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds patience(3600);

StepReport step_report(const SiteItem& item, ItemState state, std::int64_t ms,
                       const std::optional<Error>& error) {
    std::string step(to_string(item.kind));
    std::replace(step.begin(), step.end(), ' ', '_');
    StepReport report{"Run:ai", step, fmt::format("{} ({})", item.title(), to_string(item.change))};
    report.state = state == ItemState::start  ? Progress::start
                   : state == ItemState::done ? Progress::done
                                              : Progress::failed;
    report.ms = ms;
    report.detail = item.fields.empty() ? item.detail : runai::to_string(item.fields);
    report.error = error;
    return report;
}

ItemReport items_as_steps(Report report) {
    return [report = std::move(report)](const SiteItem& item, ItemState state, std::int64_t ms,
                                        const std::optional<Error>& error) {
        report(step_report(item, state, ms, error));
    };
}

SiteTools tools_for(Context& context, Report report) {
    SiteTools tools{context.executor, *context.registry.client(), context.state, context.secrets};
    tools.report = items_as_steps(std::move(report));
    tools.stopping = [&context] { return context.draining; };
    tools.parallel = std::max(context.config.runai.max_parallel, 1U);
    return tools;
}

/// A call that was not sent says what the first one met that was.
Error with_cause(const Context& context, Error error) {
    const auto& why = context.registry.status().why;
    if (error.what.find(runai_not_sent) != error.what.npos && !why.empty() &&
        why.find(runai_not_sent) == why.npos)
        error.what += fmt::format(", {}", why);
    return error;
}

Error not_used() {
    return {Code::config, "the site file speaks of Run:ai, and the gateway has no runai.url",
            "set runai.url, runai.cluster, runai.client_id and runai.client_secret_file in stowage.yaml"};
}

}  // namespace

Result<void> check_runai(const Context& context, const SiteRequest& request) {
    if (!request.container_path.empty() && request.container_path != context.site.container_path)
        return Error{Code::differs,
                     fmt::format("data_source.container_path is {} in the site file and {} in the gateway's "
                                 "configuration",
                                 log::escaped(request.container_path), context.site.container_path),
                     "make them equal: runai.container_path in stowage.yaml"};
    if (!request.runai) return {};
    const auto& config = context.config.runai;
    if (!context.registry.is_used() && !request.runai->empty()) return not_used();
    if (!request.runai->url.empty() && !is_same_url(request.runai->url, config.url))
        return Error{Code::differs,
                     fmt::format("the site file is for {}, this gateway talks to {}",
                                 log::escaped(request.runai->url), config.url),
                     "correct runai.url in one of them"};
    if (!request.runai->cluster.empty() && request.runai->cluster != config.cluster)
        return Error{Code::differs,
                     fmt::format("the site file is for cluster {}, this gateway for {}",
                                 log::escaped(request.runai->cluster), config.cluster),
                     "correct runai.cluster in one of them"};
    return {};
}

asio::awaitable<SiteOutcome> apply_runai(Context& context, WantedSite site, bool adopt, Report report) {
    SiteOutcome nothing;
    SiteItem whole{ObjectKind::node_pool, std::string(whole_site), Change::change};
    const auto turn = co_await context.labs.take(site_turn, patience);
    if (!turn) {
        nothing.failures.push_back({whole, turn.error()});
        co_return nothing;
    }
    if (!site.people_only) {
        const auto text = json::serialize(site_json(site));
        if (auto kept = context.state.set_applied_site(text); !kept) {
            nothing.failures.push_back({whole, kept.error()});
            co_return nothing;
        }
    }
    SiteRunner runner(tools_for(context, report), site);
    auto outcome = co_await runner.apply(adopt);
    context.registry.note_result(outcome.has_error() ? std::optional(outcome.error()) : std::nullopt);
    if (!outcome) {
        const auto error = with_cause(context, outcome.error());
        StepReport failed{"Run:ai", "observe", "reading Run:ai"};
        failed.state = Progress::failed;
        failed.error = error;
        report(failed);
        nothing.failures.push_back({whole, error});
        co_return nothing;
    }
    if (!site.people_only) note_outcome(context.drift, *outcome, now_seconds());
    look_at_site_soon(context);
    co_return std::move(*outcome);
}

asio::awaitable<Result<json::object>> prune_runai(Context& context, SiteRequest request) {
    if (!request.runai) co_return Error{Code::invalid, "runai is missing", "send the site as for plan"};
    CO_CHECK(check_runai(context, request));
    if (!context.registry.is_used()) co_return not_used();
    CO_TRY(const auto turn, co_await context.labs.take(site_turn, patience));
    SiteRunner runner(tools_for(context, log_report), std::move(*request.runai));
    std::set<std::string> titles(request.confirmed.begin(), request.confirmed.end());
    CO_TRY(const auto outcome, co_await runner.prune(std::move(titles)));
    look_at_site_soon(context);
    json::object body{{"deleted", outcome.done}};
    json::array failures;
    for (const auto& failure : outcome.failures) {
        auto view = item_view(failure.item);
        view["error"] = error_view(failure.error);
        failures.push_back(std::move(view));
    }
    body["failures"] = std::move(failures);
    co_return body;
}

asio::awaitable<Result<SeenRunai>> observe_runai(Context& context) {
    SeenRunai seen;
    auto& client = *context.registry.client();
    auto site = co_await observe_site(client);
    context.registry.note_result(site.has_error() ? std::optional(site.error()) : std::nullopt);
    if (!site) co_return with_cause(context, site.error());
    seen.site = std::move(*site);
    CO_TRY(seen.data_sources, co_await client.nfs_data_sources());
    co_return seen;
}

json::object plan_runai(const Context& context, const SiteRequest& request, const SeenRunai& seen,
                        std::int64_t& pending) {
    json::array items, warnings, prune, unknown, pools;
    const auto owned = context.state.objects();
    for (const auto& item : plan_site_objects(*request.runai, seen.site, owned, request.adopt)) {
        items.push_back(item_view(item));
        pending += is_pending(item) ? 1 : 0;
    }
    for (const auto& warning : site_warnings(*request.runai, seen.site))
        warnings.emplace_back(warning);
    for (const auto& pool : unknown_pools(*request.runai, seen.site))
        unknown.emplace_back(pool);
    for (const auto& pool : seen.site.node_pools)
        pools.emplace_back(pool.value.name);
    json::object view{{"version", seen.site.cluster.version}};
    view["unknown_node_pools"] = std::move(unknown);
    view["node_pools"] = std::move(pools);
    view["items"] = std::move(items);
    view["warnings"] = std::move(warnings);
    if (!request.prune) return view;
    for (const auto& item : plan_prune(*request.runai, seen.site, owned))
        prune.push_back(item_view(item));
    view["prune"] = std::move(prune);
    const auto stay = left_to_others(*request.runai, seen.site, owned);
    view["stay"] = json::array(stay.begin(), stay.end());
    return view;
}

ObservedRegistration planned_registration(const SeenRegistrations& seen, const SiteRequest& request,
                                          const Lab& lab) {
    auto known = registration_in(seen, lab);
    if (!known) return UnknownRegistration{known.error()};
    const WantedDepartment* wanted = nullptr;
    if (request.runai)
        for (const auto& one : request.runai->departments)
            if (one.unit.name == lab.name) wanted = &one;
    auto scope = known->scope;
    if (scope.department_id.empty() && wanted != nullptr) scope.department_id = "comes";
    const bool project_comes =
        wanted != nullptr &&
        std::any_of(wanted->projects.begin(), wanted->projects.end(),
                    [&](const WantedUnit& one) { return one.name == lab.settings.data_source_project; });
    if (scope.project_id.empty() && project_comes) scope.project_id = "comes";
    if (auto there = check_scope(lab, scope); !there) return UnknownRegistration{there.error()};
    return std::move(*known);
}

std::vector<SealedSecret> waiting_secrets(Context& context) {
    auto all = context.secrets.all();
    std::erase_if(all, [&](const SealedSecret& one) {
        if (one.service != "FTPS") return false;
        const auto account = context.state.account(one.name);
        return !account || account->phase != AccountPhase::active;
    });
    std::sort(all.begin(), all.end(), [](const SealedSecret& a, const SealedSecret& b) {
        return std::tie(a.lab, a.email, a.service, a.name) < std::tie(b.lab, b.email, b.service, b.name);
    });
    return all;
}

json::object secrets_view(Context& context, const std::string& email) {
    json::array secrets;
    for (const auto& one : waiting_secrets(context)) {
        if (!email.empty() && one.email != email) continue;
        json::object view{
            {"service", one.service}, {"email", one.email}, {"lab", one.lab}, {"name", one.name}};
        view["password"] = one.password.reveal();
        secrets.push_back(std::move(view));
    }
    json::object body;
    body["secrets"] = std::move(secrets);
    return body;
}

}  // namespace stowage::controller
