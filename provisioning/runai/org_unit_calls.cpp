// The calls about departments and projects. An update reads first and sends every field back: PUT replaces.
// Runs in: controller. Distrusts: every reply.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/base/log.hpp"
#include "provisioning/runai/creation.hpp"
#include "provisioning/runai/paging.hpp"
#include "provisioning/runai/resources.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace stowage::runai {
namespace {

/// A project is looked at again so many times until it is ready.
constexpr unsigned max_looks = 60;
constexpr std::size_t max_id_bytes = 64;

std::string collection(UnitKind kind) {
    return kind == UnitKind::department ? "/api/v1/org-unit/departments" : "/api/v1/org-unit/projects";
}

Result<std::vector<std::string>> names_at(const Place& parent, std::string_view key) {
    std::vector<std::string> names;
    TRY(const auto list, parent.maybe(key));
    if (!list) return names;
    TRY(const auto places, list->elements(max_node_pools));
    for (const auto& place : places) {
        TRY(auto name, place.text());
        names.push_back(std::move(name));
    }
    return names;
}

Result<std::optional<PoolQuota>> quota_at(const Place& place) {
    PoolQuota quota;
    TRY(const auto pool, place.maybe("nodePool"));
    if (!pool) return std::optional<PoolQuota>();
    TRY(const auto id, pool->at("id"));
    TRY(quota.pool_id, id.id());
    TRY(quota.pool_name, pool->maybe_text_at("name"));
    TRY(const auto gpu, place.maybe("gpu"));
    // Nothing said about the limit: over quota is on.
    quota.limit = unlimited;
    if (!gpu) return std::optional(quota);
    TRY(const auto deserved, gpu->maybe("deserved"));
    if (deserved) {
        TRY(quota.deserved, deserved->number());
    }
    TRY(const auto limit, gpu->maybe("limit"));
    if (limit) {
        TRY(quota.limit, limit->number());
    }
    return std::optional(std::move(quota));
}

/// What an update has to send back as it was, without the nulls that Run:ai's own schema refuses.
std::string kept_fields(const json::value& unit) {
    json::object kept;
    for (const char* key : {"description", "schedulingRules", "nodeTypes", "resources"})
        if (const auto* value = unit.as_object().if_contains(key); value != nullptr && !value->is_null())
            kept[key] = *value;
    return json::serialize(kept);
}

Result<ObservedOrgUnit> unit_at(const Place& place) {
    ObservedOrgUnit found;
    auto& unit = found.value;
    TRY(const auto id, place.at("id"));
    TRY(found.id, id.id());
    TRY(unit.name, place.text_at("name"));
    TRY(unit.cluster_uuid, place.text_at("clusterId"));
    TRY(const auto parent, place.maybe("parentId"));
    if (parent) {
        TRY(unit.parent_id, parent->id());
    }
    TRY(unit.default_pools, names_at(place, "defaultNodePools"));
    TRY(const auto resources, place.maybe("resources"));
    if (resources) {
        TRY(const auto places, resources->elements(max_node_pools));
        for (const auto& one : places) {
            TRY(auto quota, quota_at(one));
            if (quota) unit.quotas.push_back(std::move(*quota));
        }
    }
    TRY(const auto status, place.maybe("status"));
    if (status) {
        TRY(found.phase, status->maybe_text_at("phase"));
    }
    TRY(const auto effective, place.maybe("effective"));
    if (effective) {
        TRY(found.effective_pools, names_at(*effective, "defaultNodePools"));
    }
    found.created_by = place.text_if("createdBy");
    found.kept = kept_fields(place.json());
    return found;
}

Result<std::optional<ObservedOrgUnit>> listed(const Place& place) {
    TRY(auto unit, unit_at(place));
    return std::optional(std::move(unit));
}

Result<ObservedOrgUnit> unit_in(std::string_view operation, const json::value& reply) {
    return unit_at(Place(reply, operation));
}

asio::awaitable<Result<std::optional<ObservedOrgUnit>>> find(std::shared_ptr<Caller> caller, UnitKind kind,
                                                             OrgUnit wanted) {
    CO_TRY(auto all, co_await list_org_units(caller, kind, wanted.cluster_uuid));
    for (auto& one : all)
        if (one.value.name == wanted.name &&
            (kind == UnitKind::department || one.value.parent_id == wanted.parent_id))
            co_return std::optional(std::move(one));
    co_return std::optional<ObservedOrgUnit>();
}

json::object gpu_of(const PoolQuota& quota) {
    return {{"deserved", quota.deserved}, {"limit", quota.limit}};
}

json::array order_of(const OrgUnit& unit) {
    return json::array(unit.default_pools.begin(), unit.default_pools.end());
}

json::object resource_of(const PoolQuota& quota) {
    json::object pool{{"id", quota.pool_id}};
    if (!quota.pool_name.empty()) pool["name"] = quota.pool_name;
    json::object resource;
    resource["nodePool"] = std::move(pool);
    resource["gpu"] = gpu_of(quota);
    return resource;
}

std::string create_request(UnitKind kind, const OrgUnit& unit) {
    json::array resources;
    for (const auto& quota : unit.quotas)
        resources.push_back(resource_of(quota));
    json::object body{{"name", unit.name}, {"clusterId", unit.cluster_uuid}};
    body["resources"] = std::move(resources);
    body["defaultNodePools"] = order_of(unit);
    if (kind == UnitKind::project) body["parentId"] = unit.parent_id;
    return json::serialize(body);
}

std::string_view pool_id_of(const json::value& resource) {
    const auto* pool = resource.as_object().if_contains("nodePool");
    const auto* id = pool == nullptr || !pool->is_object() ? nullptr : pool->as_object().if_contains("id");
    if (id == nullptr || !id->is_string()) return {};
    return {id->as_string().data(), id->as_string().size()};
}

/// The resources as they are, with the wanted GPUs in them; CPU, memory and foreign pools stay.
json::array merged(json::array resources, const OrgUnit& wanted) {
    for (auto& one : resources) {
        auto& resource = one.as_object();
        for (const char* key : {"cpu", "memory", "priority"})
            if (const auto* value = resource.if_contains(key); value != nullptr && value->is_null())
                resource.erase(key);
    }
    for (const auto& quota : wanted.quotas) {
        bool there = false;
        for (auto& one : resources) {
            if (pool_id_of(one) != quota.pool_id) continue;
            one.as_object()["gpu"] = gpu_of(quota);
            there = true;
        }
        if (!there) resources.push_back(resource_of(quota));
    }
    return resources;
}

/// `kept` was made by us from a reply whose resources are an array of objects, as quota_at() saw.
std::string update_request(const ObservedOrgUnit& now, const OrgUnit& wanted) {
    auto body = parse_json("", now.kept)->as_object();
    json::array resources;
    if (const auto* there = body.if_contains("resources")) resources = there->as_array();
    body["resources"] = merged(std::move(resources), wanted);
    body["defaultNodePools"] = order_of(wanted);
    return json::serialize(body);
}

Result<Call> call_about(Method method, UnitKind kind, const std::string& id) {
    const bool good = !id.empty() && id.size() <= max_id_bytes &&
                      id.find_first_not_of("0123456789abcdefABCDEF-") == id.npos;
    if (!good)
        return Error{Code::protocol, fmt::format("{} id \"{}\" is none", to_string(kind), log::escaped(id))};
    Call call;
    call.method = method;
    call.path = collection(kind) + '/' + id;
    return call;
}

/// What was stored must be what was sent; else the server means something else by our fields.
Result<ObservedOrgUnit> as_wanted(const Call& call, ObservedOrgUnit unit, const OrgUnit& wanted) {
    const auto differing = differences(wanted, unit.value);
    if (differing.empty()) return unit;
    return Error{
        Code::protocol,
        fmt::format("{}: what was stored is not what was sent: {}", call.name(), to_string(differing)),
        "look at it in Run:ai"};
}

}  // namespace

Answer<std::vector<ObservedOrgUnit>> list_org_units(std::shared_ptr<Caller> caller, UnitKind kind,
                                                    std::string cluster) {
    ListShape shape{collection(kind), kind == UnitKind::department ? "departments" : "projects",
                    "clusterId==" + cluster, ListShape::End::next};
    CO_TRY(auto all, co_await read_list<ObservedOrgUnit>(std::move(caller), std::move(shape), listed));
    std::erase_if(all, [&](const ObservedOrgUnit& unit) { return unit.value.cluster_uuid != cluster; });
    co_return all;
}

Answer<std::string> find_project_id(std::shared_ptr<Caller> caller, std::string cluster, std::string parent,
                                    std::string name) {
    CO_CHECK(check_unit_name("project", name));
    ListShape shape{collection(UnitKind::project), "projects",
                    fmt::format("name=={},parentId=={}", name, parent), ListShape::End::next};
    CO_TRY(const auto all, co_await read_list<ObservedOrgUnit>(std::move(caller), std::move(shape), listed));
    std::string id;
    for (const auto& one : all) {
        // How two conditions combine is nowhere stated.
        const bool hit =
            one.value.name == name && one.value.parent_id == parent && one.value.cluster_uuid == cluster;
        if (!hit) continue;
        if (!id.empty())
            co_return Error{Code::exists,
                            fmt::format("Run:ai has several projects {} in one department", name),
                            "delete or rename one of them in Run:ai"};
        id = one.id;
    }
    if (id.empty())
        co_return Error{Code::not_found,
                        fmt::format("Run:ai has no project {} in department {}", name, log::escaped(parent)),
                        "give the lab GPUs in the site file and apply it, or make the project in Run:ai"};
    co_return id;
}

Answer<ObservedOrgUnit> get_org_unit(std::shared_ptr<Caller> caller, UnitKind kind, std::string id) {
    CO_TRY(const auto call, call_about(Method::get, kind, id));
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400) co_return refusal(call, reply);
    co_return unit_in(call.name(), reply.json);
}

Answer<Made<ObservedOrgUnit>> create_org_unit(std::shared_ptr<Caller> caller, UnitKind kind, OrgUnit wanted) {
    CO_CHECK(check(kind, wanted));
    Call call;
    call.method = Method::post;
    call.path = collection(kind);
    call.body = create_request(kind, wanted);
    std::function<asio::awaitable<Result<std::optional<ObservedOrgUnit>>>()> look_up =
        [caller, kind, wanted] { return find(caller, kind, wanted); };
    co_return co_await create_once<ObservedOrgUnit>(caller, std::move(call), unit_in, std::move(look_up));
}

Answer<ObservedOrgUnit> update_org_unit(std::shared_ptr<Caller> caller, UnitKind kind, std::string id,
                                        OrgUnit wanted) {
    CO_CHECK(check(kind, wanted));
    CO_TRY(const auto now, co_await get_org_unit(caller, kind, id));
    CO_TRY(auto call, call_about(Method::put, kind, id));
    call.body = update_request(now, wanted);
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400) co_return refusal(call, reply);
    CO_TRY(auto stored, unit_in(call.name(), reply.json));
    co_return as_wanted(call, std::move(stored), wanted);
}

Answer<ObservedOrgUnit> wait_until_ready(std::shared_ptr<Caller> caller, std::string project_id) {
    const auto waited = std::make_shared<Attempt>();
    for (unsigned looks = 1;; ++looks) {
        CO_TRY(auto project, co_await get_org_unit(caller, UnitKind::project, project_id));
        if (project.phase == "Ready") co_return project;
        if (project.phase == "Deleting" || project.phase == "Deleted")
            co_return Error{Code::in_use, fmt::format("project {} is {}", project.value.name, project.phase),
                            "wait until it is gone, then apply again"};
        if (looks >= max_looks)
            co_return Error{Code::timeout,
                            fmt::format("project {} is still {}", log::escaped(project.value.name),
                                        log::escaped(project.phase)),
                            "see the project in Run:ai; apply again when it is Ready"};
        const bool going_on = co_await pause(caller, looks);
        if (!going_on) co_return Error{Code::cancelled, "cancelled"};
    }
}

}  // namespace stowage::runai
