// A lab among departments, projects and data sources.
// Runs in: controller. Distrusts: what was observed.
#include "gateway/controller/reconcile/registrations_seen.hpp"

#include <fmt/format.h>

#include "gateway/base/log.hpp"

namespace stowage::controller {

namespace {

Error several(std::string_view what, const std::string& name) {
    return {Code::exists, fmt::format("Run:ai has several {} {}", what, log::escaped(name)),
            "delete or rename all but one in Run:ai"};
}

}  // namespace

Result<KnownRegistration> registration_in(const SeenRegistrations& seen, const Lab& lab) {
    KnownRegistration known;
    auto& [department_id, project_id] = known.scope;
    const auto& project = lab.settings.data_source_project;
    for (const auto& one : seen.departments) {
        if (one.value.name != lab.name) continue;
        if (!department_id.empty()) return several("departments", lab.name);
        department_id = one.id;
    }
    for (const auto& one : seen.projects) {
        const bool hit = !project.empty() && !department_id.empty() && one.value.name == project &&
                         one.value.parent_id == department_id;
        if (!hit) continue;
        if (!project_id.empty()) return several("projects", project);
        project_id = one.id;
    }
    const auto& scope_id = project.empty() ? department_id : project_id;
    if (scope_id.empty()) return known;
    for (const auto& one : seen.data_sources) {
        const bool hit = one.value.name == lab.name + "-nfs" &&
                         one.scope == (project.empty() ? "department" : "project") &&
                         (project.empty() ? one.value.department_id : one.value.project_id) == scope_id;
        if (!hit) continue;
        if (known.found) return several("data sources", one.value.name);
        known.found = one;
    }
    return known;
}

Result<void> check_scope(const Lab& lab, const DataSourceScope& scope) {
    if (scope.department_id.empty())
        return Error{Code::not_found, "Run:ai has no department " + lab.name,
                     "give the lab `gpus` in the site file and apply it, which makes the department, or make "
                     "one of that "
                     "name in Run:ai"};
    const auto& project = lab.settings.data_source_project;
    if (!project.empty() && scope.project_id.empty())
        return Error{Code::not_found,
                     fmt::format("Run:ai has no project {} in department {}", project, lab.name),
                     "name one of the lab's projects under data_source.project"};
    return {};
}

}  // namespace stowage::controller
