// What must hold within a site, and what is doubtful about it.
// Runs in: controller. Distrusts: the site.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "gateway/base/log.hpp"
#include "gateway/controller/plan/unknown_pools.hpp"

namespace stowage::controller {

namespace {

constexpr std::size_t max_objects = 20000;

Error twice(std::string_view kind, const std::string& name) {
    return {Code::invalid, fmt::format("{} {} is named twice", kind, log::escaped(name)), "name it once"};
}

Result<void> check_unit(const WantedUnit& unit, runai::UnitKind kind) {
    CHECK(runai::check_unit_name(to_string(kind), unit.name));
    const auto where = fmt::format("{} {}", to_string(kind), unit.name);
    if (unit.order.empty())
        return Error{Code::invalid, where + " has no order of node pools: its work would wait for ever",
                     "give it GPUs of a node pool"};
    for (const auto& pool : unit.order) {
        CHECK(runai::check_unit_name(where + ": node pool", pool));
        const auto quota = unit.gpus.find(pool);
        if (quota == unit.gpus.end() || (quota->second == 0 && !unit.over_quota))
            return Error{
                Code::invalid,
                fmt::format("{}: node pool {} is in its order and has no GPUs: work would wait for ever",
                            where, pool),
                "give it GPUs there, or take the pool out of the order"};
    }
    for (const auto& [pool, gpus] : unit.gpus) {
        CHECK(runai::check_unit_name(where + ": node pool", pool));
        if (gpus != runai::unlimited && !(gpus >= 0 && gpus <= 1000000))
            return Error{Code::invalid, fmt::format("{}: {:g} GPUs of {}", where, gpus, pool),
                         "give a number from 0, or unlimited"};
    }
    return {};
}

/// A project's work needs GPUs of its department too.
Result<void> check_within(const WantedUnit& department, const WantedUnit& project) {
    for (const auto& pool : project.order) {
        const auto quota = department.gpus.find(pool);
        if (quota != department.gpus.end() && (quota->second != 0 || department.over_quota)) continue;
        return Error{
            Code::invalid,
            fmt::format("project {} goes to node pool {}, and its department {} has no GPUs there: work "
                        "would wait for ever",
                        project.name, pool, department.name),
            "give the lab GPUs of that pool too"};
    }
    return {};
}

Result<void> check_member(const WantedSite& wanted, const WantedMember& member) {
    CHECK(runai::check_email(member.email));
    if (wanted.people_only && !member.roles.empty()) return {};
    const auto department =
        std::find_if(wanted.departments.begin(), wanted.departments.end(),
                     [&](const WantedDepartment& one) { return one.unit.name == member.department; });
    const bool there = department != wanted.departments.end() &&
                       std::any_of(department->projects.begin(), department->projects.end(),
                                   [&](const WantedUnit& one) { return one.name == member.project; });
    if (!there)
        return Error{Code::invalid,
                     fmt::format("user {}: the site has no project {}/{}", member.email,
                                 log::escaped(member.department), log::escaped(member.project)),
                     "name a lab of the site and one of its projects"};
    if (member.roles.empty())
        return Error{Code::invalid, fmt::format("user {} has no role", member.email), "give at least one"};
    std::set<std::string> seen;
    for (const auto& role : member.roles)
        if (!seen.insert(role).second) return twice("user " + member.email + ": role", role);
    return {};
}

}  // namespace

Result<void> check(const WantedSite& wanted) {
    std::set<std::string> pools, departments, projects, emails, compute;
    std::size_t rules = 0;
    for (const auto& pool : wanted.node_pools) {
        CHECK(runai::check(pool));
        if (!pools.insert(pool.name).second) return twice("node pool", pool.name);
    }
    for (const auto& department : wanted.departments) {
        CHECK(check_unit(department.unit, runai::UnitKind::department));
        if (!departments.insert(department.unit.name).second)
            return twice("department", department.unit.name);
        for (const auto& project : department.projects) {
            CHECK(check_unit(project, runai::UnitKind::project));
            CHECK(check_within(department.unit, project));
            // Projects' namespaces are the cluster's, so their names are too.
            if (!projects.insert(project.name).second) return twice("project", project.name);
        }
    }
    for (const auto& member : wanted.members) {
        CHECK(check_member(wanted, member));
        if (!emails.insert(member.email).second) return twice("user", member.email);
        rules += member.roles.size();
    }
    for (const auto& one : wanted.compute_resources) {
        CHECK(runai::check(one));
        if (!compute.insert(one.name).second) return twice("compute resource", one.name);
    }
    const auto units = pools.size() + departments.size() + projects.size();
    if (units + emails.size() + rules + compute.size() > max_objects)
        return Error{
            Code::invalid,
            fmt::format("the site has more than {} objects, each role of a user being one", max_objects),
            "split it"};
    return {};
}

std::vector<std::string> unknown_pools(const WantedSite& wanted, const ObservedSite& observed) {
    std::set<std::string> known, unknown;
    for (const auto& pool : observed.node_pools)
        known.insert(pool.value.name);
    for (const auto& pool : wanted.node_pools)
        known.insert(pool.name);
    const auto look = [&](const WantedUnit& unit) {
        for (const auto& [pool, gpus] : unit.gpus)
            if (!known.contains(pool)) unknown.insert(pool);
    };
    for (const auto& department : wanted.departments) {
        look(department.unit);
        for (const auto& project : department.projects)
            look(project);
    }
    return {unknown.begin(), unknown.end()};
}

std::vector<std::string> site_warnings(const WantedSite& wanted, const ObservedSite& observed) {
    std::vector<std::string> warnings;
    const auto& version = observed.cluster.version;
    if (auto about = runai::warning_about(version); !about.empty()) warnings.push_back(std::move(about));
    if (!runai::has(runai::parse_version(version), runai::Trait::several_pools_may_stick)) return warnings;
    // A department's order is that of projects without one, and here each project has its own.
    for (const auto& department : wanted.departments)
        for (const auto& project : department.projects)
            if (project.order.size() > 1)
                warnings.push_back(fmt::format(
                    "project {}/{} goes to {} node pools ({}), and Run:ai here is {}: before 2.20.39 work "
                    "can "
                    "stay unscheduled for ever after one failure (RUN-27309); keep it to one in the site "
                    "file: "
                    "node_pool_order: [{}]",
                    department.unit.name, project.name, project.order.size(), fmt::join(project.order, ", "),
                    log::escaped(version.substr(0, 40)), project.order.front()));
    return warnings;
}

}  // namespace stowage::controller
