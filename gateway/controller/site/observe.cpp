// Reading everything of Run:ai that a site file speaks of.
// Runs in: controller. Distrusts: Run:ai.
#include "gateway/controller/site/observe.hpp"

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

}  // namespace stowage::controller
