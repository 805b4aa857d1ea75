// Reading everything of Run:ai that a site file speaks of.
// Runs in: controller. Distrusts: Run:ai.
#include "gateway/controller/site/observe.hpp"

#include "gateway/base/log.hpp"

namespace stowage::controller {

boost::asio::awaitable<Result<ObservedSite>> observe_site(runai::Client& client) {
    ObservedSite site;
    CO_TRY(site.cluster, co_await client.cluster());
    CO_TRY(site.node_pools, co_await client.node_pools(site.cluster.uuid));
    CO_TRY(site.departments, co_await client.org_units(runai::UnitKind::department, site.cluster.uuid));
    CO_TRY(site.projects, co_await client.org_units(runai::UnitKind::project, site.cluster.uuid));
    CO_TRY(site.compute_resources, co_await client.compute_resources());
    CO_TRY(site.roles, co_await client.roles());
    CO_TRY(site.users, co_await client.users());
    CO_TRY(site.access_rules, co_await client.access_rules());
    co_return site;
}

Result<void> settle_intents(State& state, const ObservedSite& observed, std::int64_t looked_at) {
    const auto nothing = intents_come_to_nothing(observed, state.objects(), looked_at);
    CHECK(state.forget_intents(nothing));
    for (const auto& one : nothing)
        log::info("runai_was_not_made", {{"what", to_string(one.kind)}, {"name", one.key}});
    return {};
}

}  // namespace stowage::controller
