// The Run:ai part of a site as JSON.
// Runs in: controller. Distrusts: all of it.
#include "gateway/controller/control/site_request.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/controller/control/views.hpp"

namespace stowage::controller {

namespace json = boost::json;

namespace {

constexpr std::size_t max_depth = 12;

Result<runai::NodePool> pool_in(Fields fields) {
    runai::NodePool pool;
    TRY(pool.name, fields.text("name"));
    TRY(pool.label_key, fields.text("label_key"));
    TRY(pool.label_value, fields.text("label_value"));
    TRY(pool.placement, fields.text("placement"));
    CHECK(fields.finish());
    return pool;
}

Result<void> read_unit(Fields& fields, WantedUnit& unit) {
    TRY(unit.name, fields.text("name"));
    TRY(const auto over_quota, fields.maybe_flag("over_quota"));
    unit.over_quota = over_quota.value_or(false);
    TRY(auto order, fields.maybe_texts("order"));
    if (order) unit.order = std::move(*order);
    TRY(const auto gpus, fields.objects("gpus"));
    for (std::size_t i = 0; i < gpus.size(); ++i) {
        Fields quota(*gpus[i], fmt::format("{}[{}].", fields.name_of("gpus"), i));
        TRY(const auto pool, quota.text("pool"));
        TRY(const auto amount, quota.maybe_decimal("gpus"));
        CHECK(quota.finish());
        if (!amount) return Error{Code::invalid, quota.name_of("gpus") + " is missing", "give a number"};
        if (!unit.gpus.emplace(pool, *amount).second)
            return Error{Code::invalid, quota.name_of("pool") + ": a pool is named twice", "name it once"};
    }
    return {};
}

Result<WantedUnit> project_in(Fields fields) {
    WantedUnit unit;
    CHECK(read_unit(fields, unit));
    CHECK(fields.finish());
    return unit;
}

Result<WantedDepartment> department_in(Fields fields) {
    WantedDepartment department;
    CHECK(read_unit(fields, department.unit));
    TRY(const auto projects, fields.objects("projects"));
    for (std::size_t i = 0; i < projects.size(); ++i) {
        TRY(auto project,
            project_in(Fields(*projects[i], fmt::format("{}[{}].", fields.name_of("projects"), i))));
        department.projects.push_back(std::move(project));
    }
    CHECK(fields.finish());
    return department;
}

Result<WantedMember> member_in(Fields fields) {
    WantedMember member;
    TRY(auto email, fields.text("email"));
    member.email = one_spelling(std::move(email));
    TRY(member.department, fields.text("department"));
    TRY(member.project, fields.text("project"));
    TRY(auto roles, fields.maybe_texts("roles"));
    if (roles) member.roles = std::move(*roles);
    CHECK(fields.finish());
    return member;
}

Result<runai::ComputeResource> compute_in(Fields fields) {
    runai::ComputeResource resource;
    TRY(resource.name, fields.text("name"));
    TRY(const auto gpus, fields.maybe_number("gpus"));
    resource.gpus = static_cast<int>(std::min<std::uint64_t>(gpus.value_or(0), 1000000));
    TRY(resource.portion, fields.maybe_decimal("portion"));
    TRY(resource.memory, fields.maybe_text("memory"));
    TRY(const auto large_shm, fields.maybe_flag("large_shm"));
    resource.large_shm = large_shm.value_or(false);
    CHECK(fields.finish());
    return resource;
}

template <typename T>
Result<std::vector<T>> each(Fields& fields, std::string_view key, Result<T> (*read)(Fields)) {
    std::vector<T> all;
    TRY(const auto objects, fields.objects(key));
    for (std::size_t i = 0; i < objects.size(); ++i) {
        TRY(auto one, read(Fields(*objects[i], fmt::format("{}[{}].", fields.name_of(key), i))));
        all.push_back(std::move(one));
    }
    return all;
}

json::object unit_json(const WantedUnit& unit) {
    json::array gpus;
    for (const auto& [pool, amount] : unit.gpus)
        gpus.push_back({{"pool", pool}, {"gpus", amount}});
    json::object object{{"name", unit.name}, {"over_quota", unit.over_quota}};
    object["gpus"] = std::move(gpus);
    object["order"] = json::array(unit.order.begin(), unit.order.end());
    return object;
}

}  // namespace

Result<WantedSite> wanted_site_in(Fields fields) {
    WantedSite site;
    TRY(const auto url, fields.maybe_text("url"));
    TRY(const auto cluster, fields.maybe_text("cluster"));
    site.url = url.value_or("");
    site.cluster = cluster.value_or("");
    TRY(site.node_pools, each(fields, "node_pools", pool_in));
    TRY(site.departments, each(fields, "departments", department_in));
    TRY(site.members, each(fields, "members", member_in));
    TRY(site.compute_resources, each(fields, "compute_resources", compute_in));
    CHECK(fields.finish());
    CHECK(check(site));
    return site;
}

Result<WantedSite> parse_wanted_site(std::string_view text) {
    json::parse_options options;
    options.max_depth = max_depth;
    boost::system::error_code failed;
    const auto value = json::parse(text, failed, {}, options);
    if (failed || !value.is_object()) return Error{Code::invalid, "the stored site is no JSON object"};
    return wanted_site_in(Fields(value.get_object(), ""));
}

json::object site_json(const WantedSite& wanted) {
    json::array pools, departments, members, compute;
    for (const auto& pool : wanted.node_pools)
        pools.push_back({{"name", pool.name},
                         {"label_key", pool.label_key},
                         {"label_value", pool.label_value},
                         {"placement", pool.placement}});
    for (const auto& one : wanted.departments) {
        auto department = unit_json(one.unit);
        json::array projects;
        for (const auto& project : one.projects)
            projects.push_back(unit_json(project));
        department["projects"] = std::move(projects);
        departments.push_back(std::move(department));
    }
    for (const auto& one : wanted.members) {
        json::object member{{"email", one.email}, {"department", one.department}, {"project", one.project}};
        member["roles"] = json::array(one.roles.begin(), one.roles.end());
        members.push_back(std::move(member));
    }
    for (const auto& one : wanted.compute_resources) {
        json::object resource{{"name", one.name}, {"gpus", one.gpus}, {"large_shm", one.large_shm}};
        if (one.portion) resource["portion"] = *one.portion;
        if (one.memory) resource["memory"] = *one.memory;
        compute.push_back(std::move(resource));
    }
    json::object object{{"url", wanted.url}, {"cluster", wanted.cluster}};
    object["node_pools"] = std::move(pools);
    object["departments"] = std::move(departments);
    object["members"] = std::move(members);
    object["compute_resources"] = std::move(compute);
    return object;
}

json::object item_view(const SiteItem& item) {
    json::array fields;
    for (const auto& field : item.fields)
        fields.push_back({{"field", field.field}, {"wanted", field.wanted}, {"found", field.found}});
    json::object view{{"kind", to_string(item.kind)},
                      {"key", item.key},
                      {"title", item.title()},
                      {"change", to_string(item.change)},
                      {"detail", item.detail}};
    view["fields"] = std::move(fields);
    if (item.error) view["error"] = error_view(*item.error);
    return view;
}

}  // namespace stowage::controller
