// What a lab and its projects have of node pools, and whether work gets there.
// Runs in: CLI.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/cli/site_reader.hpp"

namespace stowage::cli {

namespace {

bool has_gpus(const SiteQuota& quota, const std::string& pool) {
    const auto gpus = quota.gpus->find(pool);
    return gpus != quota.gpus->end() && (gpus->second != 0 || quota.over_quota.value_or(false));
}

}  // namespace

void SiteReader::check_order(const std::string& title, const SiteQuota& quota, int line) {
    if (quota.is_wrong) return;
    const auto pools = quota.pools_in_order();
    if (pools.empty())
        problems_.add(line, title + ": no node pool has GPUs: its work would wait for ever; give it some");
    for (const auto& pool : pools)
        if (!has_gpus(quota, pool))
            problems_.add(line,
                          fmt::format("{}: node pool {} is in node_pool_order and has no GPUs: its work "
                                      "would wait for ever; give it some, or take the pool out",
                                      title, pool));
}

/// A project's work needs GPUs of its department too.
void SiteReader::check_reach(const SiteDepartment& department, const SiteProject& project, int line) {
    if (department.quota.is_wrong || project.quota.is_wrong) return;
    for (const auto& pool : project.quota.pools_in_order())
        if (!has_gpus(department.quota, pool))
            problems_.add(line, fmt::format("project {} goes to node pool {}, and its lab {} has no GPUs "
                                            "there: work would wait for ever; give the lab GPUs of that pool "
                                            "too",
                                            project.name, pool, department.lab));
}

/// Of what is said of projects themselves: those that say nothing share what the lab has.
void SiteReader::check_shares(const SiteDepartment& department, int line) {
    const auto& whole = department.quota;
    if (whole.is_wrong || whole.over_quota.value_or(false)) return;
    for (const auto& [pool, gpus] : *whole.gpus) {
        if (gpus < 0) continue;
        double sum = 0;
        bool is_unlimited = false;
        for (const auto& project : department.projects) {
            if (project.quota.is_wrong || !project.has_own_gpus) continue;
            const auto share = project.quota.gpus->find(pool);
            if (share == project.quota.gpus->end()) continue;
            is_unlimited = is_unlimited || share->second < 0;
            sum += std::max(share->second, 0.0);
        }
        if (sum <= gpus && !is_unlimited) continue;
        problems_.add(line, fmt::format("lab {} has {:g} GPUs of {}, and its projects {} together; lower the "
                                        "projects' quotas or raise the lab's",
                                        department.lab, gpus, pool,
                                        is_unlimited ? "unlimited" : fmt::format("{:g}", sum)));
    }
}

}  // namespace stowage::cli
