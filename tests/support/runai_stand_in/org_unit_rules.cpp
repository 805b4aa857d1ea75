// Fields, queries and bodies of departments and projects.
// Runs in: runai_stand_in, tests.
#include "tests/support/runai_stand_in/org_unit_rules.hpp"

#include "tests/support/runai_stand_in/operations.hpp"

namespace stowage::stand_in {

const std::vector<std::string_view> department_fields{"name", "clusterId", "createdAt"};
const std::vector<std::string_view> project_fields{"name",     "clusterId",  "departmentId",
                                                   "parentId", "parentName", "phase"};

namespace {

std::vector<Rule> department_list_rules() {
    auto rules = list_rules(department_fields);
    rules.push_back({.name = "verbosity", .kind = Kind::choice, .choices = {"meta", "brief", "verbose"}});
    return rules;
}

std::vector<Rule> project_list_rules() {
    auto rules = list_rules(project_fields);
    rules.push_back({.name = "search"});
    return rules;
}

Rule scheduling_rule() {
    Rule rule{.name = "schedulingRules", .kind = Kind::object, .nullable = true};
    for (const char* name : {"interactiveJobTimeLimitSeconds", "interactiveJobMaxIdleDurationSeconds",
                             "interactiveJobPreemptIdleDurationSeconds", "trainingJobMaxIdleDurationSeconds",
                             "trainingJobTimeLimitSeconds"})
        rule.members.push_back({.name = name, .kind = Kind::integer32, .nullable = true, .minimum = 1});
    return rule;
}

std::vector<Rule> with_place(std::vector<Rule> rules) {
    rules.push_back({.name = "name", .required = true});
    rules.push_back({.name = "clusterId", .kind = Kind::uuid, .required = true});
    return rules;
}

}  // namespace

const std::vector<Rule>& department_query() {
    static const auto rules = department_list_rules();
    return rules;
}

const std::vector<Rule>& project_query() {
    static const auto rules = project_list_rules();
    return rules;
}

std::vector<Rule> org_unit_resource_rules() {
    const std::vector<Rule> amounts{{.name = "deserved", .kind = Kind::number, .required = true},
                                    {.name = "limit", .kind = Kind::number, .nullable = true},
                                    {.name = "overQuotaWeight", .kind = Kind::number, .nullable = true}};
    auto others = amounts;
    others[0].required = false;
    others[0].nullable = true;
    auto memory = others;
    memory.push_back(
        {.name = "units", .kind = Kind::choice, .required = true, .choices = {"Mib", "MB", "GB"}});
    return {{.name = "nodePool",
             .kind = Kind::object,
             .nullable = true,
             .members = {{.name = "id", .required = true}, {.name = "name"}}},
            {.name = "gpu", .kind = Kind::object, .required = true, .members = amounts},
            {.name = "cpu", .kind = Kind::object, .members = others},
            {.name = "memory", .kind = Kind::object, .members = memory},
            {.name = "priority", .nullable = true}};
}

const std::vector<Rule>& org_unit_update_rules() {
    static const std::vector<Rule> rules{
        {.name = "description", .may_be_empty = true},
        {.name = "resources", .kind = Kind::objects, .required = true, .members = org_unit_resource_rules()},
        {.name = "defaultNodePools", .kind = Kind::texts, .nullable = true},
        {.name = "nodeTypes", .kind = Kind::any_object, .nullable = true},
        scheduling_rule()};
    return rules;
}

const std::vector<Rule>& department_rules() {
    static const auto rules = with_place(org_unit_update_rules());
    return rules;
}

const std::vector<Rule>& project_rules() {
    static const auto rules = [] {
        auto all = with_place(org_unit_update_rules());
        all.push_back({.name = "parentId", .nullable = true});
        all.push_back({.name = "requestedNamespace"});
        return all;
    }();
    return rules;
}

}  // namespace stowage::stand_in
