// The vocabulary of site.yaml and what must hold across it.
// Runs in: CLI.
#include "gateway/cli/site_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/config_parsers.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/yaml_problem.hpp"
#include "gateway/cli/site_node.hpp"

namespace stowage::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_bundle_bytes = 64 * 1024;

const KeySet top_keys = {
    {"defaults", "labs", "users", "runai", "node_pools", "compute_resources"},
    {"departments", "projects", "roles", "access_rules", "cluster", "clusters", "policies", "prune"}};
const KeySet defaults_keys = {{"quota", "inodes", "clients", "durability", "data_tls_resumption", "client_ca",
                               "gpus", "over_quota", "node_pool_order", "project", "roles", "data_source"},
                              {"node_pools", "department", "projects", "role", "runai", "compute_resources"}};
const KeySet lab_keys = {
    {"name", "quota", "inodes", "clients", "durability", "data_tls_resumption", "client_ca", "users", "gpus",
     "over_quota", "node_pool_order", "project", "projects"},
    {"node_pools", "department", "role", "roles", "runai", "compute_resources", "data_source", "members",
     "read_only"}};
const KeySet user_keys = {{"name", "lab", "email", "project", "roles", "ftps"},
                          {"role", "labs", "projects", "runai", "groups"}};

/// What both `defaults` and a lab may say.
struct Limits {
    std::optional<std::uint64_t> quota_bytes, quota_inodes;
    std::optional<std::vector<std::string>> clients;
    std::optional<std::string> durability, data_tls_resumption, client_cas;
};

template <typename T>
Result<void> check_choice(std::string_view text, Result<T> (*parse)(std::string_view)) {
    if (text == "default") return {};
    auto value = parse(text);
    if (value) return {};
    return Error{Code::invalid, value.error().what, value.error().remedy + ", default"};
}

class SiteReader {
  public:
    explicit SiteReader(const std::string& origin)
        : problems_(origin), folder_(fs::path(origin).parent_path()) {}

    Result<Site> read(const YAML::Node& root);

  private:
    void read_limit(Limits& limits, const std::string& key, const YAML::Node& value,
                    const std::string& where);
    void read_clients(Limits& limits, const YAML::Node& value, const std::string& where);
    void read_client_ca(Limits& limits, const YAML::Node& value, const std::string& path,
                        const std::string& where);
    void read_lab(const YAML::Node& node, const std::string& where);
    void read_user(const YAML::Node& node, const std::string& where);
    void add_lab(SiteLab lab, const YAML::Node& at);
    void add_user(const YAML::Node& name, const std::string& lab, const std::string& where);
    void read_defaults(const YAML::Node& node);
    void read_member(const YAML::Node& node, const std::string& lab, const std::string& where);
    void read_lab_key(const std::string& key, const YAML::Node& value, const std::string& where,
                      Limits& limits, SiteDepartment& department);
    void apply_defaults();
    void check_members();

    SiteProblems problems_;
    fs::path folder_;  // of the file: where relative paths begin
    Site site_;
    Limits defaults_;
    SiteQuota default_quota_;
    std::string default_project_ = "{lab}-default-project";
    std::vector<std::string> default_roles_ = usual_roles;
    struct Written {
        SiteDepartment department;
        int line;
    };
    std::vector<Written> written_;
    std::vector<std::pair<std::string, int>> member_lines_;
    std::map<std::string, int> lab_lines_, user_lines_;
};

void SiteReader::read_clients(Limits& limits, const YAML::Node& value, const std::string& where) {
    std::vector<std::string> networks;
    const auto add = [&](const YAML::Node& item, const std::string& place) {
        const auto text = problems_.scalar(item, place);
        if (!text) return;
        const auto client = parse_client(*text);
        if (!client) return problems_.add(item, place, client.error());
        const auto canonical = to_text(*client);
        if (std::find(networks.begin(), networks.end(), canonical) != networks.end())
            return problems_.add(item, fmt::format("{}: {} is there twice; keep one", place, canonical));
        networks.push_back(canonical);
    };
    if (value.IsScalar())
        add(value, where);
    else
        problems_.each_item(value, where, add);
    if (networks.empty() && (value.IsNull() || (value.IsSequence() && value.size() == 0)))
        problems_.add(value, where + " is empty; name networks such as 10.0.0.0/8, or leave the key out");
    limits.clients = std::move(networks);
}

void SiteReader::read_client_ca(Limits& limits, const YAML::Node& value, const std::string& path,
                                const std::string& where) {
    limits.client_cas.emplace();
    if (path == "none") return;
    auto text = read_client_cas(folder_ / path);
    if (text)
        limits.client_cas = std::move(*text);
    else
        problems_.add(value, where, text.error());
}

void SiteReader::read_limit(Limits& limits, const std::string& key, const YAML::Node& value,
                            const std::string& where) {
    if (key == "clients") return read_clients(limits, value, where);
    const auto text = problems_.scalar(value, where);
    if (!text) return;
    if (key == "client_ca") return read_client_ca(limits, value, *text, where);
    if (key == "durability" || key == "data_tls_resumption") {
        const auto good = key == "durability" ? check_choice(*text, config_parsers::durability)
                                              : check_choice(*text, config_parsers::resumption);
        if (!good) return problems_.add(value, where, good.error());
        (key == "durability" ? limits.durability : limits.data_tls_resumption) = *text;
        return;
    }
    const auto number = key == "quota" ? parse_bytes("size", *text) : parse_count("count", *text);
    if (!number) return problems_.add(value, where, number.error());
    (key == "quota" ? limits.quota_bytes : limits.quota_inodes) = *number;
}

void SiteReader::add_lab(SiteLab lab, const YAML::Node& at) {
    if (const auto [first, is_new] = lab_lines_.emplace(lab.name, line_of(at)); !is_new)
        return problems_.add(
            at, fmt::format("lab {} is there twice, first in line {}; keep one", lab.name, first->second));
    site_.labs.push_back(std::move(lab));
}

void SiteReader::add_user(const YAML::Node& node, const std::string& lab, const std::string& where) {
    const auto text = problems_.scalar(node, where);
    if (!text) return;
    auto name = parse_user_name(*text);
    if (!name) return problems_.add(node, where, name.error());
    if (const auto [first, is_new] = user_lines_.emplace(*name, line_of(node)); !is_new)
        return problems_.add(
            node, fmt::format("user {} is there twice, first in line {}; a user belongs to one lab", *name,
                              first->second));
    site_.users.push_back({*name, lab});
}

void SiteReader::read_lab(const YAML::Node& node, const std::string& where) {
    SiteLab lab;
    Limits limits;
    SiteDepartment department;
    YAML::Node users;
    bool named = false;
    problems_.each_key(node, where, lab_keys, [&](const std::string& key, const YAML::Node& value) {
        const auto place = where + "." + key;
        if (key == "users") {
            users.reset(value);
        } else if (key != "name") {
            read_lab_key(key, value, place, limits, department);
        } else if (const auto text = problems_.scalar(value, place)) {
            auto name = parse_lab_name(*text);
            if (name)
                lab.name = *name;
            else
                problems_.add(value, place, name.error());
        }
        named = named || key == "name";
    });
    if (node.IsMap() && !named) problems_.add(node, where + " has no name; add one");
    problems_.each_item(users, where + ".users", [&](const YAML::Node& user, const std::string& place) {
        add_user(user, lab.name, place);
    });
    if (lab.name.empty()) return;
    lab.quota_bytes = limits.quota_bytes;
    lab.quota_inodes = limits.quota_inodes;
    lab.clients = std::move(limits.clients);
    lab.durability = std::move(limits.durability);
    lab.data_tls_resumption = std::move(limits.data_tls_resumption);
    lab.client_cas = std::move(limits.client_cas);
    department.lab = lab.name;
    written_.push_back({std::move(department), line_of(node)});
    add_lab(std::move(lab), node);
}

void SiteReader::read_user(const YAML::Node& node, const std::string& where) {
    std::string lab;
    YAML::Node name;
    bool lab_given = false, name_given = false, person = false;
    problems_.each_key(node, where, user_keys, [&](const std::string& key, const YAML::Node& value) {
        name_given = name_given || key == "name";
        lab_given = lab_given || key == "lab";
        person = person || (key != "name" && key != "lab");
        if (key == "name") return name.reset(value);
        if (key != "lab") return;
        const auto text = problems_.scalar(value, where + ".lab");
        if (!text) return;
        auto parsed = parse_lab_name(*text);
        if (!parsed) return problems_.add(value, where + ".lab", parsed.error());
        lab = *parsed;
    });
    if (!node.IsMap()) return;
    if (!lab_given) problems_.add(node, where + " has no lab; add one");
    if (person && name_given)
        return problems_.add(node,
                             where + ": give an email address (a user of Run:ai) or a name (FTPS alone)");
    if (person) return read_member(node, lab, where);
    if (!name_given) problems_.add(node, where + " has no name; add one, or an email address");
    if (name_given) add_user(name, lab, where + ".name");
}

void SiteReader::read_lab_key(const std::string& key, const YAML::Node& value, const std::string& where,
                              Limits& limits, SiteDepartment& department) {
    if (key == "gpus" || key == "over_quota" || key == "node_pool_order")
        return read_quota_key(problems_, department.quota, key, value, where);
    if (key == "project") {
        if (const auto name = problems_.scalar(value, where)) department.projects.push_back({*name});
        return;
    }
    if (key == "projects")
        return problems_.each_item(value, where, [&](const YAML::Node& node, const std::string& place) {
            if (auto project = read_project(problems_, node, place))
                department.projects.push_back(std::move(*project));
        });
    read_limit(limits, key, value, where);
}

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
            if (auto path = read_data_source(problems_, value, where))
                site_.container_path = std::move(*path);
            return;
        }
        read_limit(defaults_, key, value, where);
    });
}

void SiteReader::read_member(const YAML::Node& node, const std::string& lab, const std::string& where) {
    SiteMember member{{}, lab, {}, {}, {}};
    bool has_account = true;
    // Unknown keys were told by read_user().
    if (const auto value = node["email"])
        member.email = read_email(problems_, value, where + ".email").value_or("?");
    if (const auto value = node["roles"]) member.roles = read_names(problems_, value, where + ".roles");
    if (const auto value = node["project"])
        member.project = problems_.scalar(value, where + ".project").value_or("");
    if (const auto value = node["ftps"]) {
        member.ftps = problems_.scalar(value, where + ".ftps").value_or("");
        has_account = member.ftps != "none";
    }
    if (member.email.empty())
        return problems_.add(node, where + " has no email address, which a user of Run:ai needs; add one");
    if (member.email == "?") return;
    for (const auto& [email, line] : member_lines_)
        if (email == member.email)
            return problems_.add(
                node, fmt::format("user {} is there twice, first in line {}; keep one", member.email, line));
    member_lines_.emplace_back(member.email, line_of(node));
    if (has_account && member.ftps.empty()) member.ftps = member.email;
    if (!has_account) member.ftps.clear();
    if (has_account) {
        const auto before = site_.users.size();
        add_user(node["ftps"] ? node["ftps"] : node["email"], lab, where + ".ftps");
        if (site_.users.size() > before) site_.users.back().email = member.email;
    }
    site_.members.push_back(std::move(member));
}

/// Members, once the labs and their projects are known.
void SiteReader::check_members() {
    for (auto& member : site_.members) {
        if (member.roles.empty()) member.roles = default_roles_;
        int line = 1;
        for (const auto& [email, where] : member_lines_)
            if (email == member.email) line = where;
        const auto department =
            std::find_if(site_.departments.begin(), site_.departments.end(),
                         [&](const SiteDepartment& one) { return one.lab == member.lab; });
        if (department == site_.departments.end()) {
            problems_.add(
                line, fmt::format("user {}: lab {} has no GPUs in this file, so it has no project; give it "
                                  "some, or write the user with `name`",
                                  member.email, member.lab));
            continue;
        }
        if (member.project.empty()) member.project = department->projects.front().name;
        const bool there = std::any_of(department->projects.begin(), department->projects.end(),
                                       [&](const SiteProject& one) { return one.name == member.project; });
        if (!there)
            problems_.add(line, fmt::format("user {}: lab {} has no project \"{}\"; it has {}", member.email,
                                            member.lab, log::escaped(member.project),
                                            department->projects.front().name));
    }
}

void SiteReader::apply_defaults() {
    for (auto& [department, line] : written_) {
        auto& quota = department.quota;
        const bool spoken = quota.gpus || default_quota_.gpus;
        if (!spoken) {
            if (!department.projects.empty() || quota.order || quota.over_quota)
                problems_.add(line, fmt::format("lab {} has no GPUs; add gpus, here or under defaults",
                                                department.lab));
            continue;
        }
        quota = default_quota_.with(quota);
        if (department.projects.empty()) department.projects.push_back({default_project_});
        std::vector<const SiteQuota*> quotas{&quota};
        for (auto& project : department.projects) {
            project.name = for_lab(project.name, department.lab);
            if (!parse_lab_name(project.name))
                problems_.add(
                    line, fmt::format("lab {}: project \"{}\" is no name that Run:ai takes; use at most 57 "
                                      "lower-case letters, digits and hyphens",
                                      department.lab, log::escaped(project.name)));
            project.quota = quota.with(project.quota);
            quotas.push_back(&project.quota);
        }
        for (const auto* one : quotas)
            for (const auto& pool :
                 one->pools_in_order().empty() ? std::vector<std::string>{""} : one->pools_in_order()) {
                const auto gpus = one->gpus->find(pool);
                if (gpus == one->gpus->end() || (gpus->second == 0 && !one->over_quota.value_or(false)))
                    problems_.add(line,
                                  fmt::format("lab {}: {}: its work would wait for ever", department.lab,
                                              pool.empty() ? "no node pool has GPUs"
                                                           : "node pool " + pool +
                                                                 " is in node_pool_order and has "
                                                                 "no GPUs"));
            }
        site_.departments.push_back(std::move(department));
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

Result<Site> SiteReader::read(const YAML::Node& root) {
    problems_.each_key(root, "", top_keys, [&](const std::string& key, const YAML::Node& value) {
        if (key == "defaults")
            read_defaults(value);
        else if (key == "runai")
            read_runai(problems_, value, site_.runai_url, site_.runai_cluster);
        else if (key == "node_pools")
            problems_.each_item(value, key, [&](const auto& node, const auto& where) {
                if (auto pool = read_pool(problems_, node, where))
                    site_.node_pools.push_back(std::move(*pool));
            });
        else if (key == "compute_resources")
            problems_.each_item(value, key, [&](const auto& node, const auto& where) {
                for (auto& one : read_compute(problems_, node, where))
                    site_.compute_resources.push_back(std::move(one));
            });
        else if (key == "labs")
            problems_.each_item(value, key,
                                [&](const auto& node, const auto& where) { read_lab(node, where); });
        else if (key == "users")
            problems_.each_item(value, key,
                                [&](const auto& node, const auto& where) { read_user(node, where); });
    });
    apply_defaults();
    check_members();
    if (!problems_.any() && site_.labs.empty() && site_.users.empty() && !site_.speaks_of_runai())
        problems_.add(1, "the file names no lab and no user; add a list `labs:`");
    if (problems_.any()) return problems_.error();
    return std::move(site_);
}

}  // namespace

Result<Site> parse_site(std::string_view text, const std::string& origin) {
    try {
        return SiteReader(origin).read(YAML::Load(std::string(text)));
    } catch (const YAML::Exception& problem) {
        return yaml_problem(origin, problem);
    }
}

Result<std::string> read_client_cas(const std::string& path) {
    auto text = read_file(path, most_bundle_bytes);
    if (!text && text.error().code == Code::invalid)
        return Error{Code::config, path + " has more than 64 KiB: this is no bundle of a few CAs"};
    if (text && text->empty()) return Error{Code::config, path + " is empty", "give the CAs as PEM"};
    return text;
}

Result<Site> read_site_file(const std::string& path) {
    auto text = read_file(path);
    if (!text && text.error().code == Code::invalid)
        return Error{Code::config, path + " has more than 1 MiB: this is not a site file"};
    if (!text) return text.error();
    return parse_site(*text, path);
}

}  // namespace stowage::cli
