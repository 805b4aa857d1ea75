// Quotas of GPUs and the projects that share them.
// Runs in: CLI.
#include <fmt/format.h>

#include "gateway/cli/site_runai.hpp"
#include "gateway/cli/site_words.hpp"

namespace stowage::cli {

namespace {

constexpr double unlimited = -1;

const KeySet project_keys = {{"name", "gpus", "over_quota", "node_pool_order"}, {}};

void read_gpus(SiteProblems& problems, SiteQuota& quota, const YAML::Node& node, const std::string& where) {
    quota.gpus.emplace();
    quota.written.clear();
    quota.is_wrong = true;
    if (!node.IsMap() || node.size() == 0)
        return problems.add(node, where + " names node pools with their GPUs, for example {prod: 100}");
    bool right = true;
    for (const auto& entry : node) {
        const auto pool = read_name(problems, entry.first, where);
        right = right && pool;
        if (!pool) continue;
        const auto place = where + "." + *pool;
        const auto text = problems.scalar(entry.second, place);
        right = right && text;
        if (!text) continue;
        const auto number = *text == "unlimited" ? std::optional(unlimited) : number_in(*text);
        if (!number || (*number < 0 && *number != unlimited) || *number > 1000000 || *text == "-1") {
            problems.add(entry.second,
                         fmt::format("{}: {} is no number of GPUs; give one from 0, or unlimited", place,
                                     quoted(*text)));
            right = false;
            continue;
        }
        if (!quota.gpus->emplace(*pool, *number).second)
            problems.add(entry.first, fmt::format("{} is there twice; keep one", place));
        quota.written.push_back(*pool);
        quota.lines.emplace(*pool, line_of(entry.first));
    }
    quota.is_wrong = !right;
}

}  // namespace

SiteQuota SiteQuota::with(const SiteQuota& over) const {
    auto both = *this;
    if (over.gpus) {
        both.gpus = over.gpus;
        both.written = over.written;
        both.is_wrong = over.is_wrong;
        // An order of the defaults is one of the defaults' pools.
        both.order = over.order;
    }
    if (over.order) both.order = over.order;
    both.is_wrong = both.is_wrong || over.is_wrong;
    for (const auto& [pool, line] : over.lines)
        both.lines[pool] = line;
    if (over.over_quota) both.over_quota = over.over_quota;
    return both;
}

std::vector<std::string> SiteQuota::pools_in_order() const {
    if (order) return *order;
    std::vector<std::string> pools;
    for (const auto& pool : written)
        if (gpus && gpus->at(pool) != 0) pools.push_back(pool);
    return pools;
}

void read_quota_key(SiteProblems& problems, SiteQuota& quota, const std::string& key, const YAML::Node& value,
                    const std::string& where) {
    if (key == "gpus") return read_gpus(problems, quota, value, where);
    if (key == "over_quota") {
        quota.over_quota = read_flag(problems, value, where);
        return;
    }
    quota.order = read_names(problems, value, where);
    for (const auto& pool : *quota.order)
        quota.lines.emplace(pool, line_of(value));
    if (!quota.order->empty()) return;
    quota.is_wrong = true;
    problems.add(value,
                 where + " is empty: work would wait for ever; name a node pool, or leave the key out");
}

std::optional<SiteProject> read_project(SiteProblems& problems, const YAML::Node& node,
                                        const std::string& where) {
    SiteProject project{{}, {}, line_of(node)};
    problems.each_key(node, where, project_keys, [&](const std::string& key, const YAML::Node& value) {
        const auto place = where + "." + key;
        if (key == "name")
            project.name = read_name(problems, value, place).value_or("?");
        else
            read_quota_key(problems, project.quota, key, value, place);
    });
    if (!node.IsMap()) return std::nullopt;
    if (project.name.empty()) problems.add(node, where + " has no name; add one");
    if (project.name.empty() || project.name == "?") return std::nullopt;
    return project;
}

}  // namespace stowage::cli
