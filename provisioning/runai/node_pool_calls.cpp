// The calls about node pools. They are made right and never edited: 2.20 breaks what is edited (RUN-27837).
// Runs in: controller. Distrusts: every reply.
#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/base/log.hpp"
#include "provisioning/runai/creation.hpp"
#include "provisioning/runai/paging.hpp"
#include "provisioning/runai/resources.hpp"
#include "provisioning/runai/version.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace stowage::runai {
namespace {

constexpr const char* collection = "/api/v1/node-pools";

struct PoolInCluster {
    ObservedNodePool pool;
    std::string cluster;
};

/// The GPUs' placement; the CPUs' where that is not said. 2.24 has it one level deeper.
Result<std::string> placement_at(const Place& place) {
    TRY(auto holder, place.maybe("placementStrategy"));
    if (!holder) {
        TRY(const auto scheduling, place.maybe("schedulingConfiguration"));
        if (scheduling) {
            TRY(holder, scheduling->maybe("placementStrategy"));
        }
    }
    if (!holder) return std::string();
    TRY(auto placement, holder->maybe_text_at("gpu"));
    if (placement.empty()) {
        TRY(placement, holder->maybe_text_at("cpu"));
    }
    return placement;
}

Result<PoolInCluster> pool_at(const Place& place) {
    PoolInCluster found;
    auto& pool = found.pool;
    TRY(const auto id, place.at("id"));
    TRY(pool.id, id.id());
    TRY(found.cluster, place.text_at("clusterId"));
    TRY(pool.value.name, place.text_at("name"));
    TRY(pool.value.label_key, place.text_at("labelKey"));
    TRY(pool.value.label_value, place.text_at("labelValue"));
    TRY(pool.value.placement, placement_at(place));
    TRY(pool.phase, place.maybe_text_at("phase"));
    pool.created_by = place.text_if("createdBy");
    TRY(const auto is_default, place.maybe("isDefault"));
    if (is_default) {
        TRY(pool.is_default, is_default->boolean());
    }
    TRY(const auto status, place.maybe("status"));
    if (!status) return found;
    TRY(const auto nodes, status->maybe("nodes"));
    if (!nodes) return found;
    TRY(const auto names, nodes->elements());
    pool.nodes = names.size();
    return found;
}

Result<std::optional<PoolInCluster>> listed(const Place& place) {
    TRY(const auto deleted, place.maybe("deletedAt"));
    if (deleted) return std::optional<PoolInCluster>();
    TRY(auto pool, pool_at(place));
    return std::optional(std::move(pool));
}

Result<ObservedNodePool> created(std::string_view operation, const json::value& reply) {
    TRY(auto found, pool_at(Place(reply, operation)));
    return std::move(found.pool);
}

asio::awaitable<Result<std::optional<ObservedNodePool>>> find(std::shared_ptr<Caller> caller,
                                                              std::string cluster, std::string name) {
    CO_TRY(auto all, co_await list_node_pools(caller, std::move(cluster)));
    for (auto& one : all)
        if (one.value.name == name) co_return std::optional(std::move(one));
    co_return std::optional<ObservedNodePool>();
}

std::string create_request(const NodePool& pool, const std::string& cluster, bool inside_scheduling) {
    json::object placement{{"cpu", pool.placement}, {"gpu", pool.placement}};
    json::object body{{"name", pool.name},
                      {"labelKey", pool.label_key},
                      {"labelValue", pool.label_value},
                      {"clusterId", cluster}};
    if (inside_scheduling)
        body["schedulingConfiguration"] = json::object{{"placementStrategy", std::move(placement)}};
    else
        body["placementStrategy"] = std::move(placement);
    return json::serialize(body);
}

}  // namespace

Answer<std::vector<ObservedNodePool>> list_node_pools(std::shared_ptr<Caller> caller, std::string cluster) {
    ListShape shape{collection, "nodepools", "clusterId==" + cluster, ListShape::End::short_page};
    CO_TRY(auto all, co_await read_list<PoolInCluster>(std::move(caller), std::move(shape), listed));
    std::vector<ObservedNodePool> pools;
    for (auto& one : all)
        if (one.cluster == cluster) pools.push_back(std::move(one.pool));
    if (pools.size() > max_node_pools)
        co_return Error{Code::protocol, fmt::format("GET {}: {} node pools of one cluster, and we take {}",
                                                    collection, pools.size(), max_node_pools)};
    co_return pools;
}

Answer<Made<ObservedNodePool>> create_node_pool(std::shared_ptr<Caller> caller, std::string cluster,
                                                NodePool wanted) {
    CO_CHECK(check(wanted));
    Call call;
    call.method = Method::post;
    call.path = collection;
    call.body = create_request(wanted, cluster, has(caller->version, Trait::placement_inside_scheduling));
    std::function<asio::awaitable<Result<std::optional<ObservedNodePool>>>()> look_up =
        [caller, cluster, name = wanted.name] { return find(caller, cluster, name); };
    co_return co_await create_once<ObservedNodePool>(caller, std::move(call), created, std::move(look_up));
}

}  // namespace stowage::runai
