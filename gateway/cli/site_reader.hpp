// Reading site.yaml: what was read so far, and what was wrong.
// Runs in: CLI. Distrusts: the file.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/cli/site_data_source.hpp"
#include "gateway/cli/site_file.hpp"
#include "gateway/cli/site_node.hpp"
#include "gateway/cli/site_runai.hpp"

namespace stowage::cli {

/// What both `defaults` and a lab may say.
struct LabLimits {
    std::optional<std::uint64_t> quota_bytes, quota_inodes;
    std::optional<std::vector<std::string>> clients;
    std::optional<std::string> durability, data_tls_resumption, client_cas;
};

/// One file, once: keys first, then what must hold across them.
class SiteReader {
  public:
    SiteReader(const std::string& origin, const SiteGateway& gateway)
        : problems_(origin), folder_(std::filesystem::path(origin).parent_path()), gateway_(gateway) {}

    Result<Site> read(const YAML::Node& root);

  private:
    /// A lab's part about Run:ai, without the defaults.
    struct Written {
        SiteDepartment department = {};
        SiteDataSource source = {};
        int line = 0;
    };

    // site_labs.cpp
    void read_lab(const YAML::Node& node, const std::string& where);
    void read_lab_key(const std::string& key, const YAML::Node& value, const std::string& where,
                      LabLimits& limits, Written& written);
    void read_limit(LabLimits& limits, const std::string& key, const YAML::Node& value,
                    const std::string& where);
    void read_clients(LabLimits& limits, const YAML::Node& value, const std::string& where);
    void read_client_ca(LabLimits& limits, const YAML::Node& value, const std::string& path,
                        const std::string& where);
    void add_lab(SiteLab lab, const YAML::Node& at);

    // site_users.cpp
    void read_user(const YAML::Node& node, const std::string& where);
    void add_user(const YAML::Node& name, const std::string& lab, const std::string& where);
    void read_member(const YAML::Node& node, const std::string& lab, const std::string& where);
    const SiteDepartment* department_of(const SiteMember& member, int line);
    void check_members();

    // site_defaults.cpp
    void read_defaults(const YAML::Node& node);
    void check_container_path(const YAML::Node& source);
    void apply_defaults();
    void complete(SiteDepartment& department, int line);
    void complete_project(SiteProject& project, const SiteDepartment& department, int line);
    void choose_scope(const SiteDataSource& source, const SiteDepartment& department, int line);

    // site_once.cpp
    void add_pool(SitePool pool, int line);
    void add_compute(SiteCompute one, int line);
    void check_project_name(const SiteProject& project, int line);

    // site_shares.cpp
    void check_order(const std::string& title, const SiteQuota& quota, int line);
    void check_reach(const SiteDepartment& department, const SiteProject& project, int line);
    void check_shares(const SiteDepartment& department, int line);

    SiteProblems problems_;
    std::filesystem::path folder_;  // of the file: where relative paths begin
    SiteGateway gateway_;
    Site site_;
    LabLimits defaults_;
    SiteQuota default_quota_;
    SiteDataSource default_source_;
    std::string default_project_ = "{lab}-default-project";
    std::vector<std::string> default_roles_ = usual_roles;
    std::vector<Written> written_;
    std::vector<std::pair<std::string, int>> member_lines_;
    std::map<std::string, int> lab_lines_, user_lines_, pool_lines_, project_lines_, compute_lines_;
};

}  // namespace stowage::cli
