// Roles and access rules: one subject, one role, one scope, no update.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#include <boost/json/object.hpp>

#include "tests/support/runai_stand_in/operations.hpp"

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

const std::vector<std::string_view> fields{"subjectId", "subjectType", "roleId",    "scopeId",  "scopeType",
                                           "roleName",  "scopeName",   "createdAt", "createdBy"};

const std::vector<Rule>& list_query() {
    static const auto rules = [] {
        auto all = list_rules(fields);
        all.push_back({.name = "subjectIds"});
        all.push_back({.name = "subjectType"});
        all.push_back({.name = "clusterId", .kind = Kind::uuid});
        all.push_back({.name = "roleId", .kind = Kind::integer32, .minimum = 1});
        return all;
    }();
    return rules;
}

const std::vector<Rule>& create_rules(bool newer) {
    static const auto rules_of = [](bool is_newer) {
        std::vector<std::string_view> subjects{"user", "app", "group"};
        if (is_newer) subjects.emplace_back("service-account");
        return std::vector<Rule>{
            {.name = "subjectId", .required = true},
            {.name = "subjectType", .kind = Kind::choice, .required = true, .choices = subjects},
            {.name = "roleId", .kind = Kind::integer32, .required = true},
            {.name = "scopeId", .required = true},
            {.name = "scopeType",
             .kind = Kind::choice,
             .required = true,
             .choices = {"system", "tenant", "cluster", "department", "project"}},
            {.name = "clusterId", .kind = Kind::uuid}};
    };
    static const auto old = rules_of(false), recent = rules_of(true);
    return newer ? recent : old;
}

Answer list_roles(const Asked& asked) {
    return {200, asked.store.all("roles"), {}};
}

Answer list(const Asked& asked) {
    const auto hits = filtered(asked, "access_rules", fields);
    auto page = page_of(hits, asked.request, 50);
    json::object answer;
    answer["totalRecords"] = hits.size();
    answer["displayRecords"] = page.items.size();
    answer["accessRules"] = std::move(page.items);
    return {200, std::move(answer), {}};
}

Answer get(const Asked& asked) {
    const auto* rule = asked.store.find("access_rules", "id", asked.id);
    if (rule == nullptr) return refuse(404, "Access rule not found");
    return {200, *rule, {}};
}

std::string scope_name(Store& store, const json::object& wanted) {
    const auto type = text_of(wanted, "scopeType");
    const auto id = text_of(wanted, "scopeId");
    if (type == "tenant") return id == std::to_string(tenant_id) ? "tenant" : "";
    const auto* scope = type == "cluster"      ? store.find("clusters", "uuid", id)
                        : type == "department" ? store.find("departments", "id", id)
                        : type == "project"    ? store.find("projects", "id", id)
                                               : nullptr;
    return scope == nullptr ? "" : words_of(*scope, "name");
}

bool same(const json::object& a, const json::object& b) {
    for (const char* key : {"subjectId", "subjectType", "roleId", "scopeId", "scopeType"})
        if (words_of(a, key) != words_of(b, key)) return false;
    return true;
}

Answer create(const Asked& asked) {
    json::value body;
    auto& store = asked.store;
    if (const auto wrong = read_body(asked.request, create_rules(store.is_newer()), body))
        return refuse(400, *wrong);
    auto rule = body.get_object();
    const auto* role = store.find("roles", "id", words_of(rule, "roleId"));
    if (role == nullptr) return refuse(404, "Role not found");
    const auto scope = scope_name(store, rule);
    if (scope.empty()) return refuse(404, "Scope not found");
    if (text_of(rule, "subjectType") == "user" &&
        store.find("users", "username", text_of(rule, "subjectId")) == nullptr)
        return refuse(404, "Subject not found");
    for (const auto& one : store.all("access_rules"))
        if (same(one.as_object(), rule)) return refuse(400, "Access rule already exists");
    rule["id"] = store.next_number("access_rule");
    rule["roleName"] = role->at("name");
    rule["scopeName"] = scope;
    rule["tenantId"] = tenant_id;
    stamp_new(rule);
    if (store.is_newer()) rule["status"] = json::object{{"phase", "Ready"}};
    store.list("access_rules").push_back(rule);
    return changed(201, std::move(rule));
}

Answer remove(const Asked& asked) {
    if (asked.store.find("access_rules", "id", asked.id) == nullptr)
        return refuse(404, "Access rule not found");
    asked.store.remove("access_rules", "id", asked.id);
    return changed(204, nullptr);
}

}  // namespace

const std::vector<Operation>& access_operations() {
    constexpr std::string_view path = "/api/v1/authorization/access-rules";
    static const std::vector<Operation> operations{
        {"get_roles", "GET", "/api/v1/authorization/roles", no_query, list_roles},
        {"get_access_rules", "GET", path, list_query, list},
        {"create_access_rule", "POST", path, no_query, create},
        {"get_access_rule", "GET", path, no_query, get, Operation::Id::number},
        {"delete_access_rule", "DELETE", path, no_query, remove, Operation::Id::number},
    };
    return operations;
}

}  // namespace stowage::stand_in
