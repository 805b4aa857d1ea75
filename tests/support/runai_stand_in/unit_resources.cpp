// Node pools in quotas and orders.
// Runs in: runai_stand_in, tests.
#include "tests/support/runai_stand_in/unit_resources.hpp"

#include <algorithm>

namespace stowage::stand_in {

namespace json = boost::json;

namespace {

bool has_pool(const Store& store, std::string_view cluster, std::string_view key, std::string_view value) {
    const auto& pools = store.all("node_pools");
    return std::any_of(pools.begin(), pools.end(), [&](const json::value& one) {
        return text_of(one.as_object(), "clusterId") == cluster && text_of(one.as_object(), key) == value;
    });
}

}  // namespace

const json::object* resource_for(const json::array& resources, std::string_view pool) {
    for (const auto& one : resources)
        if (const auto* node_pool = one.as_object().if_contains("nodePool"); node_pool != nullptr)
            if (text_of(node_pool->as_object(), "id") == pool) return &one.as_object();
    return nullptr;
}

json::array complete(const Store& store, std::string_view cluster, const json::array& asked) {
    json::array all;
    for (const auto& one : store.all("node_pools")) {
        const auto& pool = one.as_object();
        if (text_of(pool, "clusterId") != cluster) continue;
        json::object resource;
        if (const auto* given = resource_for(asked, text_of(pool, "id"))) {
            resource = *given;
        } else {
            json::object gpu;
            gpu["deserved"] = 0;
            gpu["limit"] = -1;
            gpu["overQuotaWeight"] = 1;
            resource["gpu"] = std::move(gpu);
        }
        json::object node_pool;
        node_pool["id"] = pool.at("id");
        node_pool["name"] = pool.at("name");
        resource["nodePool"] = std::move(node_pool);
        all.push_back(std::move(resource));
    }
    return all;
}

std::optional<std::string> pools_violation(const Store& store, std::string_view cluster,
                                           const json::object& body) {
    for (const auto& one : body.at("resources").as_array()) {
        const auto* pool = one.as_object().if_contains("nodePool");
        if (pool == nullptr || pool->is_null()) continue;
        if (!has_pool(store, cluster, "id", text_of(pool->as_object(), "id")))
            return "resources name a node pool that is not there";
    }
    const auto* order = body.if_contains("defaultNodePools");
    if (order == nullptr || order->is_null()) return std::nullopt;
    for (const auto& name : order->as_array())
        if (!has_pool(store, cluster, "name", {name.as_string().data(), name.as_string().size()}))
            return "defaultNodePools name a node pool that is not there";
    return std::nullopt;
}

}  // namespace stowage::stand_in
