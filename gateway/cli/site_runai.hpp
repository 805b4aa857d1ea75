// The part of site.yaml that is about Run:ai: node pools, quotas, people, compute resources.
// Runs in: CLI. Distrusts: the file.
#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/cli/site_node.hpp"

namespace stowage::cli {

struct SitePool {
    std::string name, label_key, label_value, placement = "binpack";
};

/// What a lab, or the defaults, say about one department or project.
struct SiteQuota {
    std::optional<std::map<std::string, double>> gpus = {};  ///< by node pool; -1: unlimited
    std::vector<std::string> written = {};                   ///< pools of `gpus` in the file's order
    std::optional<bool> over_quota = {};
    std::optional<std::vector<std::string>> order = {};
    std::map<std::string, int> lines = {};  ///< of the pools in `gpus` and `order`
    bool is_wrong = false;                  ///< `gpus` or `order` could not be read, which was told

    /// What `over` leaves out is as here.
    SiteQuota with(const SiteQuota& over) const;
    /// The order of node pools: as given, else the pools that have GPUs, as written.
    std::vector<std::string> pools_in_order() const;
};

struct SiteProject {
    std::string name;  ///< may hold "{lab}"
    SiteQuota quota = {};
    int line = 0;               ///< 0: it is the lab's
    bool has_own_gpus = false;  ///< not those of the lab
};

struct SiteMember {
    std::string email, lab, project, ftps;  ///< project empty: the lab's first; ftps empty: no account
    std::vector<std::string> roles = {};    ///< empty: the defaults
};

struct SiteCompute {
    std::string name;
    std::uint64_t gpus = 0;
    std::optional<double> portion = {};
    std::optional<std::string> memory = {};
    bool large_shm = false;
};

/// What the gateway is configured with; empty: not known, or not used.
struct SiteGateway {
    std::string url = {}, cluster = {}, container_path = {};
};

/// The three roles of the admins' notes.
extern const std::vector<std::string> usual_roles;

// Each reads one node; what is wrong is added to `problems`. Quotas and projects are in site_quota.cpp,
// compute resources in site_compute.cpp.

void read_runai(SiteProblems& problems, const YAML::Node& node, const SiteGateway& gateway, std::string& url,
                std::string& cluster);
std::optional<SitePool> read_pool(SiteProblems& problems, const YAML::Node& node, const std::string& where);
/// One of gpus, over_quota, node_pool_order.
void read_quota_key(SiteProblems& problems, SiteQuota& quota, const std::string& key, const YAML::Node& value,
                    const std::string& where);
std::optional<SiteProject> read_project(SiteProblems& problems, const YAML::Node& node,
                                        const std::string& where);
/// A range makes several.
std::vector<SiteCompute> read_compute(SiteProblems& problems, const YAML::Node& node,
                                      const std::string& where);
}  // namespace stowage::cli
