// Mistyped names of node pools.
// Runs in: CLI.
#include "gateway/cli/site_pools.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/site_words.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

namespace {

/// Of the first place that names the pool.
int line_of_pool(const Site& site, const std::string& pool) {
    int line = 0;
    const auto look = [&](const SiteQuota& quota) {
        const auto at = quota.lines.find(pool);
        if (at != quota.lines.end() && (line == 0 || at->second < line)) line = at->second;
    };
    for (const auto& department : site.departments) {
        look(department.quota);
        for (const auto& project : department.projects)
            look(project.quota);
    }
    return std::max(line, 1);
}

std::vector<std::string> names_in(const boost::json::object& runai, const char* key) {
    std::vector<std::string> names;
    for (const auto& value : list_of(runai, key))
        if (const auto* name = value.if_string()) names.emplace_back(*name);
    return names;
}

}  // namespace

Result<void> check_pools(const Site& site, const std::string& file, const boost::json::object& plan) {
    const auto* runai = object_of(plan, "runai");
    if (runai == nullptr) return {};
    const auto unknown = names_in(*runai, "unknown_node_pools");
    if (unknown.empty()) return {};
    auto known = names_in(*runai, "node_pools");
    for (const auto& pool : site.node_pools)
        if (std::find(known.begin(), known.end(), pool.name) == known.end()) known.push_back(pool.name);
    const std::vector<std::string_view> words(known.begin(), known.end());
    SiteProblems problems(file);
    for (const auto& pool : unknown) {
        const auto guess = meant(pool, words);
        problems.add(line_of_pool(site, pool),
                     fmt::format("there is no node pool {}: Run:ai and this file have {}; {}", shown(pool),
                                 shown(fmt::format("{}", fmt::join(known, ", "))),
                                 guess.empty() ? "add it under node_pools, or name another" : shown(guess)));
    }
    return problems.error();
}

}  // namespace stowage::cli
