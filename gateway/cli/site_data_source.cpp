// Scope and form of labs' data sources.
// Runs in: CLI. Distrusts: the file.
#include "gateway/cli/site_data_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/log.hpp"
#include "gateway/cli/site_words.hpp"

namespace stowage::cli {

namespace {

const KeySet default_keys = {{"name", "scope", "project", "container_path", "read_only"}, {}};
const KeySet lab_keys = {{"scope", "project"}, {"name", "container_path", "read_only"}};

}  // namespace

SiteDataSource SiteDataSource::with(const SiteDataSource& over) const {
    auto both = *this;
    // A project is said together with its scope.
    if (over.of_project) {
        both.of_project = over.of_project;
        both.project = over.project;
    }
    return both;
}

Result<std::optional<std::string>> SiteDataSource::project_of(
    const std::string& lab, const std::vector<std::string>& projects) const {
    using Project = std::optional<std::string>;
    if (!of_project) return Project();
    if (!*of_project) return Project("");
    if (projects.empty())
        return Error{Code::config,
                     fmt::format("lab {}: its data source is of scope project, and the lab has no project in "
                                 "this file",
                                 lab),
                     "give the lab GPUs, or its data source the scope department"};
    if (project.empty()) return Project(projects.front());
    const auto name = for_lab(project, lab);
    if (std::find(projects.begin(), projects.end(), name) != projects.end()) return Project(name);
    return Error{Code::config,
                 fmt::format("lab {}: its data source is of project \"{}\", and the lab has {}", lab,
                             log::escaped(name), fmt::join(projects, ", ")),
                 "name one of these"};
}

SiteDataSource read_data_source(SiteProblems& problems, const YAML::Node& node, const std::string& where,
                                bool of_lab) {
    SiteDataSource source;
    const auto& keys = of_lab ? lab_keys : default_keys;
    problems.each_key(node, where, keys, [&](const std::string& key, const YAML::Node& value) {
        const auto place = where + "." + key;
        if (key == "read_only") {
            if (read_flag(problems, value, place).value_or(false))
                problems.add(value,
                             place + ": labs' data sources are read-write; give false, or leave it out");
            return;
        }
        const auto text = problems.scalar(value, place);
        if (!text) return;
        if (key == "name" && *text != "{lab}-nfs")
            problems.add(value,
                         fmt::format("{}: \"{}\" cannot be chosen; give \"{{lab}}-nfs\", or leave it out",
                                     place, log::escaped(text->substr(0, 80))));
        if (key == "scope" && *text != "department" && *text != "project")
            problems.add(value,
                         fmt::format("{}: \"{}\" is no scope; give department (the lab's projects inherit "
                                     "the data source) or project (one of them has it)",
                                     place, log::escaped(text->substr(0, 80))));
        if (key == "scope") source.of_project = *text == "project";
        if (key == "project") source.project = *text;
        if (key == "container_path") source.container_path = *text;
    });
    if (!source.project.empty() && !source.of_project.value_or(false))
        problems.add(node, where + ".project goes with scope: project; add that, or leave it out");
    return source;
}

}  // namespace stowage::cli
