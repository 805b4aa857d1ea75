// The operations of Run:ai that the stand-in knows.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#include "tests/support/runai_stand_in/api.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "tests/support/runai_stand_in/rules.hpp"

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

constexpr std::string_view nfs_path = "/api/v1/asset/datasource/nfs";

struct Operation {
    std::string_view name, method, path;
    const std::vector<Rule>& (*query)();
    bool has_id = false;
};

const Operation operations[] = {
    {"grant_token", "POST", "/api/v1/token", no_query},
    {"get_clusters", "GET", "/api/v1/clusters", cluster_query},
    {"get_departments", "GET", "/api/v1/org-unit/departments", department_query},
    {"list_nfs_assets", "GET", nfs_path, nfs_list_query},
    {"create_nfs_asset", "POST", nfs_path, no_query},
    {"get_nfs_asset_by_id", "GET", nfs_path, nfs_get_query, true},
    {"update_nfs_asset_by_id", "PUT", nfs_path, no_query, true},
    {"delete_nfs_asset_by_id", "DELETE", nfs_path, no_query, true},
};

std::string id_in(const Operation& operation, const Request& request) {
    return operation.has_id ? request.path.substr(operation.path.size() + 1) : "";
}

const Operation* find_operation(const Request& request) {
    for (const auto& one : operations) {
        if (one.method != request.method) continue;
        const bool below = request.path.size() > one.path.size() + 1 &&
                           request.path.compare(0, one.path.size() + 1, std::string(one.path) + '/') == 0;
        if (one.has_id ? below : request.path == one.path) return &one;
    }
    return nullptr;
}

/// The body as an object that keeps the rules; else what is wrong.
std::optional<std::string> read_body(const Request& request, const std::vector<Rule>& rules,
                                     json::value& body) {
    if (request.content_type != "application/json") return "the content type must be application/json";
    boost::system::error_code error;
    body = json::parse(json::string_view(request.body), error);
    if (error) return "the body is no JSON: " + error.message();
    return violation(body, rules);
}

/// Where a data source may be made: what the schema leaves open.
std::optional<Answer> scope_violation(const Store& store, const json::object& meta) {
    const auto scope = text_of(meta, "scope");
    if (scope == "system") return refuse(403, "You do not have sufficient permissions.");
    if (scope == "project") return refuse(400, "projectId names no project");
    if (scope == "department" && store.department(text_of(meta, "departmentId")) == nullptr)
        return refuse(400, "departmentId names no department");
    if (scope != "department" && !text_of(meta, "departmentId").empty())
        return refuse(400, "departmentId is for scope department only");
    if (scope == "cluster" && store.cluster_by_uuid(text_of(meta, "clusterId")) == nullptr)
        return refuse(400, "clusterId names no cluster");
    if (const auto* project = meta.if_contains("projectId"); project != nullptr && !project->is_null())
        return refuse(400, "projectId is for scope project only");
    return std::nullopt;
}

bool department_matches(const json::object& department, const std::string& filters) {
    for (const auto& text : split_at_commas(filters)) {
        const auto filter = parse_filter(text, {"name", "clusterId"});
        const auto value = text_of(department, filter->field);
        const bool contains = value.find(filter->value) != value.npos;
        const auto& op = filter->op;
        if (op == "==" && value != filter->value) return false;
        if (op == "!=" && value == filter->value) return false;
        if (op == "=@" && !contains) return false;
        if (op == "!@" && contains) return false;
        if (op == "=^" && value.substr(0, filter->value.size()) != filter->value) return false;
        if (op == "=$" && (value.size() < filter->value.size() ||
                           value.substr(value.size() - filter->value.size()) != filter->value))
            return false;
    }
    return true;
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

std::string parameter(const Query& query, std::string_view name, std::string otherwise = {}) {
    const auto found = query.find(name);
    return found == query.end() ? std::move(otherwise) : found->second;
}

/// Without a scope, a department's list holds what it inherits: the cluster's and the tenant's.
bool in_scope(const Store& store, const json::object& meta, const Query& query) {
    const auto scope = text_of(meta, "scope");
    const auto asked_scope = parameter(query, "scope");
    const auto department = parameter(query, "departmentId");
    const auto cluster = parameter(query, "clusterId");
    if (!asked_scope.empty() && scope != asked_scope) return false;
    if (!parameter(query, "projectId").empty()) return false;
    if (!cluster.empty() && scope != "tenant" && text_of(meta, "clusterId") != cluster) return false;
    if (department.empty()) return true;
    if (scope == "department") return text_of(meta, "departmentId") == department;
    const auto* owner = store.department(department);
    if (scope == "cluster")
        return owner != nullptr && text_of(*owner, "clusterId") == text_of(meta, "clusterId");
    return scope == "tenant";
}

bool same_bytes(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
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

std::string Api::operation_of(const Request& request) {
    const auto* operation = find_operation(request);
    return operation == nullptr ? "" : std::string(operation->name);
}

Answer Api::handle(const Request& request) {
    const auto* operation = find_operation(request);
    if (operation == nullptr) return refuse(404, "The stand-in has no such operation.");
    if (operation->name != "grant_token" && !tokens_.accepts(request.authorization))
        return refuse(401, "Issuer is not familiar.");
    if (request.query_is_bad) return refuse(400, "The query cannot be read.");
    if (const auto wrong = violation(request.query, operation->query())) return refuse(400, *wrong);
    const auto id = id_in(*operation, request);
    if (operation->has_id && !is_uuid_text(id)) return refuse(400, "AssetId must be a UUID");
    if (operation->name == "grant_token") return token(request);
    if (operation->name == "get_clusters") return {200, store_.all("clusters"), {}};
    if (operation->name == "get_departments") return departments(request);
    if (operation->name == "list_nfs_assets") return list_nfs(request);
    if (operation->name == "create_nfs_asset") return create_nfs(request);
    if (operation->name == "get_nfs_asset_by_id") return one_nfs(request, id);
    return operation->method == "PUT" ? update_nfs(request, id) : remove_nfs(id);
}

Answer Api::written(unsigned status, json::value body) {
    ++writes_;
    if (auto saved = store_.save(); !saved) return refuse(500, saved.error().text());
    return {status, std::move(body), {}};
}

Answer Api::token(const Request& request) {
    json::value body;
    if (const auto wrong = read_body(request, token_rules(), body)) return refuse(400, *wrong);
    const auto& fields = body.get_object();
    const auto id = fields.contains("clientId") ? text_of(fields, "clientId") : text_of(fields, "clientID");
    const bool good = same_bytes(id, credentials_.client_id) &&
                      same_bytes(text_of(fields, "clientSecret"), credentials_.client_secret.reveal());
    if (!good) return refuse(400, "Invalid client or Invalid client credentials");
    json::object answer;
    answer["accessToken"] = tokens_.make();
    return {200, std::move(answer), {}};
}

Answer Api::departments(const Request& request) {
    const auto filters = ignore_filters_ ? request.query.end() : request.query.find("filterBy");
    const auto offset = std::stoul(parameter(request.query, "offset", "0"));
    const auto limit = std::stoul(parameter(request.query, "limit", "50"));
    json::array page;
    std::size_t hits = 0;
    bool more = false;
    for (const auto& one : store_.all("departments")) {
        if (filters != request.query.end() && !department_matches(one.as_object(), filters->second)) continue;
        if (hits++ < offset) continue;
        more = page.size() == limit;
        if (more) break;
        page.push_back(one);
    }
    json::object answer;
    answer["departments"] = std::move(page);
    if (more) answer["next"] = offset + limit;
    return {200, std::move(answer), {}};
}

Answer Api::list_nfs(const Request& request) {
    const auto name = parameter(request.query, "name");
    const auto ids = parameter(request.query, "assetIds");
    json::array entries;
    for (const auto& one : store_.all("nfs")) {
        const auto& meta = one.at("meta").as_object();
        // Nothing promises that this filter is exact; so it is not.
        if (!contains_ignoring_case(text_of(meta, "name"), name)) continue;
        if (!ids.empty() && ids.find(text_of(meta, "id")) == ids.npos) continue;
        if (!in_scope(store_, meta, request.query)) continue;
        entries.push_back(shown(one.as_object(), parameter(request.query, "usageInfo") == "true"));
    }
    json::object answer;
    answer["entries"] = std::move(entries);
    return {200, std::move(answer), {}};
}

Answer Api::create_nfs(const Request& request) {
    json::value body;
    if (const auto wrong = read_body(request, nfs_create_rules(), body)) return refuse(400, *wrong);
    const auto& meta = body.at("meta").as_object();
    if (const auto wrong = scope_violation(store_, meta)) return *wrong;
    if (store_.nfs_named(text_of(meta, "name")) != nullptr)
        return refuse(409, "Resource with this name already exists");
    return written(202, shown(store_.add_nfs(body.get_object()), false));
}

Answer Api::one_nfs(const Request& request, const std::string& id) {
    const auto* stored = store_.nfs(id);
    if (stored == nullptr) return refuse(404, "Resource id not found.");
    return {200, shown(*stored, parameter(request.query, "usageInfo") == "true"), {}};
}

Answer Api::update_nfs(const Request& request, const std::string& id) {
    json::value body;
    if (const auto wrong = read_body(request, nfs_update_rules(), body)) return refuse(400, *wrong);
    auto* stored = store_.nfs(id);
    if (stored == nullptr) return refuse(404, "Resource id not found.");
    const auto* namesake = store_.nfs_named(text_of(body.at("meta").as_object(), "name"));
    if (namesake != nullptr && namesake != stored)
        return refuse(409, "Resource with this name already exists");
    store_.update_nfs(*stored, body.get_object());
    return written(202, shown(*stored, false));
}

Answer Api::remove_nfs(const std::string& id) {
    const auto* stored = store_.nfs(id);
    if (stored == nullptr) return refuse(404, "Resource id not found.");
    if (stored->contains("usedBy")) return refuse(403, "The asset is in use.");
    store_.remove_nfs(id);
    json::object answer;
    answer["code"] = 202;
    answer["message"] = "Request has been accepted.";
    return written(202, std::move(answer));
}

}  // namespace stowage::stand_in
