// site.yaml: the labs and users that should exist.
// Runs in: CLI. Distrusts: the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"
#include "gateway/cli/site_runai.hpp"

namespace stowage::cli {

/// One lab; what the file leaves out is left to the gateway's configuration.
struct SiteLab {
    std::string name;
    std::optional<std::uint64_t> quota_bytes = {}, quota_inodes = {};      ///< 0: no limit
    std::optional<std::vector<std::string>> clients = {};                  ///< canonical networks
    std::optional<std::string> durability = {}, data_tls_resumption = {};  ///< checked words
    std::optional<std::string> client_cas = {};  ///< text of the file that client_ca names; empty for `none`
    /// The project that has the data source; empty: the department.
    std::optional<std::string> data_source_project = {};
};

struct SiteUser {
    std::string name, lab;
    std::string email = {};  ///< of a person who is a user of Run:ai too
};

/// A lab's department with its projects, every default in its place.
struct SiteDepartment {
    std::string lab;
    SiteQuota quota;
    std::vector<SiteProject> projects;
};

struct Site {
    std::vector<SiteLab> labs;
    std::vector<SiteUser> users;
    std::string runai_url = {}, runai_cluster = {}, container_path = {};  ///< empty: not said
    std::vector<SitePool> node_pools = {};
    std::vector<SiteDepartment> departments = {};
    std::vector<SiteMember> members = {};
    std::vector<SiteCompute> compute_resources = {};

    bool speaks_of_runai() const {
        return !node_pools.empty() || !departments.empty() || !members.empty() || !compute_resources.empty();
    }
};

/// Checks the whole text. Code::config with every problem, one per line, each "origin:line: …".
/// A user's lab need not stand in the file: it may exist already.
/// @param gateway what the file's word on Run:ai has to agree with
Result<Site> parse_site(std::string_view text, const std::string& origin, const SiteGateway& gateway = {});

/// The text of a CA bundle, at most most_client_ca_file_bytes; the gateway looks what is in it. Blocks on the
/// disk.
Result<std::string> read_client_cas(const std::string& path);

/// Reads at most 1 MiB. Blocks on the disk.
Result<Site> read_site_file(const std::string& path, const SiteGateway& gateway = {});

}  // namespace stowage::cli
