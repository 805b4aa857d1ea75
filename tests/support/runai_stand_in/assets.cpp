// Compute resources and NFS data sources: assets of a scope, inherited from above, whose names are unique.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#include <algorithm>
#include <boost/json/object.hpp>

#include "tests/support/runai_stand_in/api.hpp"
#include "tests/support/runai_stand_in/operations.hpp"

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

/// Where an asset may be made: what the schema leaves open.
std::optional<Answer> scope_violation(Store& store, const json::object& meta) {
    const auto scope = text_of(meta, "scope");
    const auto project = words_of(meta, "projectId");
    if (scope == "system") return refuse(403, "You do not have sufficient permissions.");
    if (scope == "project" && store.find("projects", "id", project) == nullptr)
        return refuse(400, "projectId names no project");
    if (scope != "project" && !project.empty()) return refuse(400, "projectId is for scope project only");
    if (scope == "department" && store.department(text_of(meta, "departmentId")) == nullptr)
        return refuse(400, "departmentId names no department");
    if (scope != "department" && !text_of(meta, "departmentId").empty())
        return refuse(400, "departmentId is for scope department only");
    if (scope == "cluster" && store.cluster_by_uuid(text_of(meta, "clusterId")) == nullptr)
        return refuse(400, "clusterId names no cluster");
    return std::nullopt;
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

/// True if the unit of this kind and id has it, of its own or from above.
bool reaches(Store& store, const json::object& meta, std::string_view kind, const std::string& id) {
    const auto scope = text_of(meta, "scope");
    const auto* unit = store.find(kind, "id", id);
    if (scope == "tenant") return true;
    if (unit == nullptr) return false;
    if (scope == "cluster") return text_of(*unit, "clusterId") == text_of(meta, "clusterId");
    if (scope == "department")
        return text_of(meta, "departmentId") == (kind == "projects" ? words_of(*unit, "parentId") : id);
    return kind == "projects" && words_of(meta, "projectId") == id;
}

/// Without a scope, a department's list holds what it inherits: the cluster's and the tenant's.
bool in_scope(Store& store, const json::object& meta, const Query& query) {
    const auto scope = text_of(meta, "scope");
    const auto asked_scope = parameter(query, "scope");
    const auto department = parameter(query, "departmentId");
    const auto project = parameter(query, "projectId");
    const auto cluster = parameter(query, "clusterId");
    if (!asked_scope.empty() && scope != asked_scope) return false;
    if (!cluster.empty() && scope != "tenant" && text_of(meta, "clusterId") != cluster) return false;
    if (!project.empty()) return reaches(store, meta, "projects", project);
    return department.empty() || reaches(store, meta, "departments", department);
}

Answer listed(const Asked& asked, std::string_view kind) {
    const auto& query = asked.request.query;
    const auto name = parameter(query, "name");
    const auto ids = parameter(query, "assetIds");
    json::array entries;
    for (const auto& one : asked.store.all(kind)) {
        const auto& meta = one.at("meta").as_object();
        // Nothing promises that this filter is exact; so it is not.
        if (!contains_ignoring_case(text_of(meta, "name"), name)) continue;
        if (!ids.empty() && ids.find(text_of(meta, "id")) == ids.npos) continue;
        if (!in_scope(asked.store, meta, query)) continue;
        entries.push_back(shown(one.as_object(), parameter(query, "usageInfo") == "true"));
    }
    json::object answer;
    answer["entries"] = std::move(entries);
    return {200, std::move(answer), {}};
}

Answer get(const Asked& asked, std::string_view kind) {
    const auto* stored = asked.store.asset(kind, asked.id);
    if (stored == nullptr) return refuse(404, "Resource id not found.");
    return {200, shown(*stored, parameter(asked.request.query, "usageInfo") == "true"), {}};
}

/// Portions and amounts belong to their type, and to it alone.
std::optional<std::string> gpu_violation(const json::object& spec) {
    const auto type = text_of(spec, "gpuRequestType");
    const auto given = [&](const char* key) { return !words_of(spec, key).empty(); };
    if (given("gpuPortionRequest") != (type == "portion")) return "gpuPortionRequest goes with type portion";
    if (given("gpuMemoryRequest") != (type == "memory")) return "gpuMemoryRequest goes with type memory";
    if (words_of(spec, "gpuDevicesRequest").rfind('-', 0) == 0) return "gpuDevicesRequest is negative";
    const auto* portion = spec.if_contains("gpuPortionRequest");
    if (portion == nullptr || portion->is_null()) return std::nullopt;
    const auto share = portion->to_number<double>();
    if (share <= 0 || share > 1) return "gpuPortionRequest is between 0 and 1";
    return std::nullopt;
}

Answer create(const Asked& asked, std::string_view kind, const std::vector<Rule>& rules) {
    json::value body;
    if (const auto wrong = read_body(asked.request, rules, body)) return refuse(400, *wrong);
    const auto& meta = body.at("meta").as_object();
    if (const auto wrong = scope_violation(asked.store, meta)) return *wrong;
    if (kind == "compute")
        if (const auto wrong = gpu_violation(body.at("spec").as_object())) return refuse(400, *wrong);
    if (asked.store.asset_named(kind, text_of(meta, "name")) != nullptr)
        return refuse(409, "Resource with this name already exists");
    return changed(202, shown(asked.store.add_asset(kind, body.get_object()), false));
}

Answer update(const Asked& asked, std::string_view kind, const std::vector<Rule>& rules) {
    json::value body;
    if (const auto wrong = read_body(asked.request, rules, body)) return refuse(400, *wrong);
    auto* stored = asked.store.asset(kind, asked.id);
    if (stored == nullptr) return refuse(404, "Resource id not found.");
    if (kind == "compute")
        if (const auto wrong = gpu_violation(body.at("spec").as_object())) return refuse(400, *wrong);
    const auto* namesake = asked.store.asset_named(kind, text_of(body.at("meta").as_object(), "name"));
    if (namesake != nullptr && namesake != stored)
        return refuse(409, "Resource with this name already exists");
    Store::update_asset(kind, *stored, body.get_object());
    return changed(202, shown(*stored, false));
}

Answer remove(const Asked& asked, std::string_view kind) {
    auto& assets = asked.store.list(kind);
    for (auto one = assets.begin(); one != assets.end(); ++one) {
        if (text_of(one->at("meta").as_object(), "id") != asked.id) continue;
        if (one->as_object().contains("usedBy")) return refuse(403, "The asset is in use.");
        assets.erase(one);
        json::object answer;
        answer["code"] = 202;
        answer["message"] = "Request has been accepted.";
        return changed(202, std::move(answer));
    }
    return refuse(404, "Resource id not found.");
}

const std::vector<Rule>& list_query() {
    static const std::vector<Rule> rules{
        {.name = "name"},
        {.name = "scope",
         .kind = Kind::choice,
         .choices = {"system", "tenant", "cluster", "department", "project"}},
        {.name = "projectId", .kind = Kind::integer32},
        {.name = "departmentId"},
        {.name = "clusterId", .kind = Kind::uuid},
        {.name = "usageInfo", .kind = Kind::boolean},
        {.name = "assetIds", .kind = Kind::uuid_list}};
    return rules;
}

const std::vector<Rule>& compute_list_query() {
    static const auto rules = [] {
        auto all = list_query();
        all.pop_back();
        return all;
    }();
    return rules;
}

const std::vector<Rule>& get_query() {
    static const std::vector<Rule> rules{{.name = "usageInfo", .kind = Kind::boolean}};
    return rules;
}

Answer list_nfs(const Asked& asked) {
    return listed(asked, "nfs");
}
Answer list_compute(const Asked& asked) {
    return listed(asked, "compute");
}
Answer get_nfs(const Asked& asked) {
    return get(asked, "nfs");
}
Answer get_compute(const Asked& asked) {
    return get(asked, "compute");
}
Answer create_nfs(const Asked& asked) {
    return create(asked, "nfs", nfs_create_rules());
}
Answer create_compute(const Asked& asked) {
    return create(asked, "compute", compute_create_rules(asked.store.is_newer()));
}
Answer update_nfs(const Asked& asked) {
    return update(asked, "nfs", nfs_update_rules());
}
Answer update_compute(const Asked& asked) {
    return update(asked, "compute", compute_update_rules(asked.store.is_newer()));
}
Answer remove_nfs(const Asked& asked) {
    return remove(asked, "nfs");
}
Answer remove_compute(const Asked& asked) {
    return remove(asked, "compute");
}

}  // namespace

json::object shown(const json::object& stored, bool usage_info) {
    auto out = stored;
    if (!usage_info)
        out.erase("usedBy");
    else if (!out.contains("usedBy"))
        out["usedBy"] = json::object();
    return out;
}

const std::vector<Operation>& asset_operations() {
    using Id = Operation::Id;
    constexpr std::string_view nfs = "/api/v1/asset/datasource/nfs";
    constexpr std::string_view compute = "/api/v1/asset/compute";
    static const std::vector<Operation> operations{
        {"list_nfs_assets", "GET", nfs, list_query, list_nfs},
        {"create_nfs_asset", "POST", nfs, no_query, create_nfs},
        {"get_nfs_asset_by_id", "GET", nfs, get_query, get_nfs, Id::uuid},
        {"update_nfs_asset_by_id", "PUT", nfs, no_query, update_nfs, Id::uuid},
        {"delete_nfs_asset_by_id", "DELETE", nfs, no_query, remove_nfs, Id::uuid},
        {"list_compute_assets", "GET", compute, compute_list_query, list_compute},
        {"create_compute_asset", "POST", compute, no_query, create_compute},
        {"get_compute_asset_by_id", "GET", compute, get_query, get_compute, Id::uuid},
        {"update_compute_asset_by_id", "PUT", compute, no_query, update_compute, Id::uuid},
        {"delete_compute_asset_by_id", "DELETE", compute, no_query, remove_compute, Id::uuid},
    };
    return operations;
}

}  // namespace stowage::stand_in
