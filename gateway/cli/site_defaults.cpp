// Defaults of a site file, and their way into labs, departments and projects.
// Runs in: CLI.
#include <fmt/format.h>

#include "gateway/base/identity.hpp"
#include "gateway/cli/site_reader.hpp"
#include "gateway/cli/site_words.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

namespace {

const KeySet defaults_keys = {{"quota", "inodes", "clients", "durability", "data_tls_resumption", "client_ca",
                               "gpus", "over_quota", "node_pool_order", "project", "roles", "data_source"},
                              {"node_pools", "department", "projects", "role", "runai", "compute_resources"}};

}  // namespace

void SiteReader::read_defaults(const YAML::Node& node) {
    if (node.IsNull()) return;
    problems_.each_key(node, "defaults", defaults_keys, [&](const std::string& key, const YAML::Node& value) {
        const auto where = "defaults." + key;
        if (key == "gpus" || key == "over_quota" || key == "node_pool_order")
            return read_quota_key(problems_, default_quota_, key, value, where);
        if (key == "project") {
            default_project_ = problems_.scalar(value, where).value_or(default_project_);
            if (default_project_.find("{lab}") == default_project_.npos)
                problems_.add(
                    value, where + ": write {lab} where the lab's name belongs: projects' names are unique");
            return;
        }
        if (key == "roles") {
            default_roles_ = read_names(problems_, value, where);
            if (default_roles_.empty())
                problems_.add(value, where + " is empty; name a role, or leave the key out");
            return;
        }
        if (key == "data_source") {
            default_source_ = read_data_source(problems_, value, where, false);
            site_.container_path = default_source_.container_path.value_or("");
            check_container_path(value);
            return;
        }
        read_limit(defaults_, key, value, where);
    });
}

void SiteReader::check_container_path(const YAML::Node& source) {
    const auto& path = site_.container_path;
    if (path.empty() || gateway_.container_path.empty() || path == gateway_.container_path) return;
    problems_.add(source["container_path"],
                  fmt::format("defaults.data_source.container_path is {}, and the gateway's "
                              "runai.container_path is {}; correct one of them",
                              shown(path), shown(gateway_.container_path)));
}

void SiteReader::complete_project(SiteProject& project, const SiteDepartment& department, int line) {
    project.name = for_lab(project.name, department.lab);
    if (!parse_lab_name(project.name))
        problems_.add(line, fmt::format("lab {}: project {} is no name that Run:ai takes; use at most 57 "
                                        "lower-case letters, digits and hyphens",
                                        department.lab, cli::quoted(project.name)));
    else
        check_project_name(project, line);
    const auto& own = project.quota;
    const bool says_nothing = !own.gpus && !own.order && !own.over_quota;
    project.has_own_gpus = own.gpus.has_value();
    project.quota = department.quota.with(own);
    // What is wrong with the lab's is told of the lab.
    if (says_nothing) return;
    check_order(fmt::format("lab {}: project {}", department.lab, shown(project.name)), project.quota, line);
    check_reach(department, project, line);
}

void SiteReader::complete(SiteDepartment& department, int line) {
    auto& quota = department.quota;
    quota = default_quota_.with(quota);
    if (department.projects.empty()) department.projects.push_back({default_project_});
    check_order("lab " + department.lab, quota, line);
    for (auto& project : department.projects)
        complete_project(project, department, project.line == 0 ? line : project.line);
    check_shares(department, line);
}

/// Once the lab's projects are known.
void SiteReader::choose_scope(const SiteDataSource& source, const SiteDepartment& department, int line) {
    std::vector<std::string> projects;
    for (const auto& project : department.projects)
        projects.push_back(project.name);
    auto project = default_source_.with(source).project_of(department.lab, projects);
    if (!project) return problems_.add(line, project.error().text());
    for (auto& lab : site_.labs)
        if (lab.name == department.lab) lab.data_source_project = *project;
}

void SiteReader::apply_defaults() {
    for (auto& [department, source, line] : written_) {
        const auto& quota = department.quota;
        const bool has_gpus = quota.gpus || default_quota_.gpus;
        if (has_gpus) complete(department, line);
        choose_scope(source, department, line);
        if (has_gpus) {
            site_.departments.push_back(std::move(department));
        } else if (!department.projects.empty() || quota.order || quota.over_quota) {
            problems_.add(
                line, fmt::format("lab {} has no GPUs; add gpus, here or under defaults", department.lab));
        }
    }
    for (auto& lab : site_.labs) {
        if (!lab.quota_bytes) lab.quota_bytes = defaults_.quota_bytes;
        if (!lab.quota_inodes) lab.quota_inodes = defaults_.quota_inodes;
        if (!lab.clients) lab.clients = defaults_.clients;
        if (!lab.durability) lab.durability = defaults_.durability;
        if (!lab.data_tls_resumption) lab.data_tls_resumption = defaults_.data_tls_resumption;
        if (!lab.client_cas) lab.client_cas = defaults_.client_cas;
    }
}

}  // namespace stowage::cli
