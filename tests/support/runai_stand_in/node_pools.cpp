// Node pools: made by name and label, attached to every unit.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#include <boost/json/object.hpp>

#include "tests/support/runai_stand_in/operations.hpp"

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

const std::vector<std::string_view> fields{"name", "clusterId", "phase"};

const std::vector<Rule>& list_query() {
    static const auto rules = list_rules(fields);
    return rules;
}

Rule placement_rule() {
    const Rule way{.name = "cpu", .kind = Kind::choice, .nullable = true, .choices = {"binpack", "spread"}};
    auto gpu = way;
    gpu.name = "gpu";
    return {.name = "placementStrategy", .kind = Kind::object, .nullable = true, .members = {way, gpu}};
}

const std::vector<Rule>& create_rules(bool newer) {
    static const std::vector<Rule> old{{.name = "name", .required = true},
                                       {.name = "labelKey", .required = true},
                                       {.name = "labelValue", .required = true},
                                       {.name = "clusterId", .kind = Kind::uuid, .required = true},
                                       {.name = "overProvisioningRatio",
                                        .kind = Kind::integer32,
                                        .nullable = true,
                                        .minimum = 1,
                                        .maximum = 5},
                                       placement_rule()};
    static const auto recent = [] {
        auto rules = old;
        rules.push_back({.name = "schedulingConfiguration",
                         .kind = Kind::object,
                         .nullable = true,
                         .members = {placement_rule()}});
        return rules;
    }();
    return newer ? recent : old;
}

Answer list(const Asked& asked) {
    auto page = page_of(filtered(asked, "node_pools", fields), asked.request, 50);
    json::object answer;
    answer["nodepools"] = std::move(page.items);
    return {200, std::move(answer), {}};
}

Answer get(const Asked& asked) {
    const auto* pool = asked.store.find("node_pools", "id", asked.id);
    if (pool == nullptr) return refuse(404, "Node pool not found");
    return {200, *pool, {}};
}

Answer create(const Asked& asked) {
    json::value body;
    auto& store = asked.store;
    if (const auto wrong = read_body(asked.request, create_rules(store.is_newer()), body))
        return refuse(400, *wrong);
    const auto& wanted = body.get_object();
    const auto cluster = text_of(wanted, "clusterId");
    if (store.cluster_by_uuid(cluster) == nullptr) return refuse(400, "clusterId names no cluster");
    for (const auto& one : store.all("node_pools")) {
        const auto& pool = one.as_object();
        if (text_of(pool, "clusterId") != cluster) continue;
        const bool same_label = text_of(pool, "labelKey") == text_of(wanted, "labelKey") &&
                                text_of(pool, "labelValue") == text_of(wanted, "labelValue");
        if (text_of(pool, "name") == text_of(wanted, "name"))
            return refuse(400, "Node pool with this name already exists");
        if (same_label) return refuse(400, "Node pool with this label already exists");
    }
    return changed(201, store.add_node_pool(wanted));
}

}  // namespace

const std::vector<Operation>& node_pool_operations() {
    constexpr std::string_view path = "/api/v1/node-pools";
    static const std::vector<Operation> operations{
        {"get_nodepools", "GET", path, list_query, list},
        {"create_nodepool", "POST", path, no_query, create},
        {"get_nodepool", "GET", path, no_query, get, Operation::Id::text},
    };
    return operations;
}

}  // namespace stowage::stand_in
