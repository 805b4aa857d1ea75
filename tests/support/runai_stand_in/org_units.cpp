// Departments and projects: PUT that replaces, PATCH that merges, projects that take a while.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#include <boost/json/object.hpp>

#include "tests/support/runai_stand_in/operations.hpp"
#include "tests/support/runai_stand_in/org_unit_rules.hpp"
#include "tests/support/runai_stand_in/unit_resources.hpp"

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

/// PUT's meaning: what is not sent is not there any more.
void replace(const Store& store, json::object& unit, const json::object& body) {
    for (const char* key : {"description", "defaultNodePools", "nodeTypes", "schedulingRules"}) {
        unit.erase(key);
        if (const auto* given = body.if_contains(key)) unit[key] = *given;
    }
    if (!unit.contains("description")) unit["description"] = "";
    unit["resources"] = complete(store, text_of(unit, "clusterId"), body.at("resources").as_array());
    unit["totalResources"] = json::object();
    stamp_changed(unit);
}

/// What the department's list says where the project's own says nothing.
json::object effective(Store& store, const json::object& project) {
    json::object out;
    const auto* own = project.if_contains("defaultNodePools");
    if (own == nullptr || own->is_null() || own->as_array().empty()) {
        const auto* parent = store.find("departments", "id", words_of(project, "parentId"));
        own = parent == nullptr ? nullptr : parent->if_contains("defaultNodePools");
    }
    out["defaultNodePools"] = own == nullptr ? json::value(nullptr) : *own;
    return out;
}

json::object shown(const Asked& asked, std::string_view kind, json::object unit) {
    unit.erase("reads");
    if (kind == "projects") unit["effective"] = effective(asked.store, unit);
    return unit;
}

/// Every look brings a new project nearer to Ready.
void advance(const Asked& asked, json::object& project) {
    auto& reads = project["reads"];
    reads = (reads.is_int64() ? reads.get_int64() : 0) + 1;
    auto& status = project["status"].as_object();
    const auto needed = static_cast<std::int64_t>(asked.habits.reads_until_ready);
    const auto done = reads.get_int64();
    status["phase"] = done > needed ? "Ready" : done == needed ? "Initializing" : "Creating";
    project["phase"] = status["phase"];
}

Answer listed(const Asked& asked, std::string_view kind, const std::vector<std::string_view>& fields) {
    if (kind == "projects")
        for (auto& one : asked.store.list(kind))
            advance(asked, one.as_object());
    auto page = page_of(filtered(asked, kind, fields), asked.request, 50);
    json::array units;
    for (auto& unit : page.items)
        units.push_back(shown(asked, kind, std::move(unit.as_object())));
    json::object answer;
    answer[json::string_view(kind.data(), kind.size())] = std::move(units);
    if (page.next) answer["next"] = *page.next;
    return {200, std::move(answer), {}};
}

Answer get(const Asked& asked, std::string_view kind) {
    auto* unit = asked.store.find(kind, "id", asked.id);
    if (unit == nullptr) return refuse(404, "Not found");
    if (kind == "projects") advance(asked, *unit);
    return {200, shown(asked, kind, *unit), {}};
}

Answer create(const Asked& asked, std::string_view kind, const std::vector<Rule>& rules) {
    json::value body;
    auto& store = asked.store;
    if (const auto wrong = read_body(asked.request, rules, body)) return refuse(400, *wrong);
    auto& wanted = body.get_object();
    const auto cluster = text_of(wanted, "clusterId");
    if (store.cluster_by_uuid(cluster) == nullptr) return refuse(400, "clusterId names no cluster");
    if (const auto wrong = pools_violation(store, cluster, wanted)) return refuse(400, *wrong);
    for (const auto& one : store.all(kind))
        if (text_of(one.as_object(), "name") == text_of(wanted, "name") &&
            text_of(one.as_object(), "clusterId") == cluster)
            return refuse(store.is_newer() ? 409 : 400, "A unit with this name already exists");
    auto unit = wanted;
    const bool project = kind == "projects";
    unit["id"] = std::to_string(store.next_number(project ? "project" : "department"));
    if (project) {
        const auto parent = words_of(wanted, "parentId");
        const auto* department = store.find("departments", "id", parent);
        if (department == nullptr || text_of(*department, "clusterId") != cluster)
            return refuse(400, "parentId names no department of this cluster");
        unit["parentName"] = department->at("name");
        unit["departmentId"] = unit["parentId"];
        unit["status"] = json::object{{"phase", "Creating"}};
        unit["phase"] = "Creating";
        if (store.is_newer()) unit["enforceRunaiScheduler"] = true;
        if (!unit.contains("requestedNamespace")) unit["requestedNamespace"] = nullptr;
    }
    stamp_new(unit);
    replace(store, unit, wanted);
    store.list(kind).push_back(unit);
    return changed(201, shown(asked, kind, unit));
}

Answer update(const Asked& asked, std::string_view kind) {
    json::value body;
    if (const auto wrong = read_body(asked.request, org_unit_update_rules(), body))
        return refuse(400, *wrong);
    auto* unit = asked.store.find(kind, "id", asked.id);
    if (unit == nullptr) return refuse(404, "Not found");
    if (const auto wrong = pools_violation(asked.store, text_of(*unit, "clusterId"), body.get_object()))
        return refuse(400, *wrong);
    replace(asked.store, *unit, body.get_object());
    return changed(200, shown(asked, kind, *unit));
}

Answer patch(const Asked& asked, std::string_view kind) {
    json::value body;
    auto request = asked.request;
    request.body = "{\"resources\":" + request.body + "}";
    static const std::vector<Rule> rules{
        {.name = "resources", .kind = Kind::objects, .required = true, .members = org_unit_resource_rules()}};
    if (const auto wrong = read_body(request, rules, body)) return refuse(400, *wrong);
    auto* unit = asked.store.find(kind, "id", asked.id);
    if (unit == nullptr) return refuse(404, "Not found");
    const auto cluster = std::string(text_of(*unit, "clusterId"));
    if (const auto wrong = pools_violation(asked.store, cluster, body.get_object()))
        return refuse(400, *wrong);
    auto merged = body.at("resources").as_array();
    for (const auto& old : (*unit)["resources"].as_array())
        if (resource_for(merged, text_of(old.at("nodePool").as_object(), "id")) == nullptr)
            merged.push_back(old);
    (*unit)["resources"] = complete(asked.store, cluster, merged);
    return changed(200, (*unit)["resources"]);
}

Answer list_departments(const Asked& asked) {
    return listed(asked, "departments", department_fields);
}
Answer list_projects(const Asked& asked) {
    return listed(asked, "projects", project_fields);
}
Answer get_department(const Asked& asked) {
    return get(asked, "departments");
}
Answer get_project(const Asked& asked) {
    return get(asked, "projects");
}
Answer create_department(const Asked& asked) {
    return create(asked, "departments", department_rules());
}
Answer create_project(const Asked& asked) {
    return create(asked, "projects", project_rules());
}
Answer update_department(const Asked& asked) {
    return update(asked, "departments");
}
Answer update_project(const Asked& asked) {
    return update(asked, "projects");
}
Answer patch_department(const Asked& asked) {
    return patch(asked, "departments");
}
Answer patch_project(const Asked& asked) {
    return patch(asked, "projects");
}

}  // namespace

const std::vector<Operation>& org_unit_operations() {
    using Id = Operation::Id;
    constexpr std::string_view departments = "/api/v1/org-unit/departments";
    constexpr std::string_view projects = "/api/v1/org-unit/projects";
    static const std::vector<Operation> operations{
        {"get_departments", "GET", departments, department_query, list_departments},
        {"create_department", "POST", departments, no_query, create_department},
        {"get_department", "GET", departments, no_query, get_department, Id::text},
        {"update_department", "PUT", departments, no_query, update_department, Id::text},
        {"patch_department_resources", "PATCH", departments, no_query, patch_department, Id::text,
         "/resources"},
        {"get_projects", "GET", projects, project_query, list_projects},
        {"create_project", "POST", projects, no_query, create_project},
        {"get_project", "GET", projects, no_query, get_project, Id::text},
        {"update_project", "PUT", projects, no_query, update_project, Id::text},
        {"patch_project_resources", "PATCH", projects, no_query, patch_project, Id::text, "/resources"},
    };
    return operations;
}

}  // namespace stowage::stand_in
