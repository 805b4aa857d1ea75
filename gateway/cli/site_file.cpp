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
#include "gateway/cli/site_node.hpp"

namespace stowage::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_bundle_bytes = 64 * 1024;

const KeySet top_keys = {{"defaults", "labs", "users"},
                         {"runai", "node_pools", "compute_resources", "departments", "projects", "roles",
                          "access_rules", "cluster", "clusters", "policies", "prune"}};
const KeySet defaults_keys = {
    {"quota", "inodes", "clients", "durability", "data_tls_resumption", "client_ca"},
    {"gpus", "node_pools", "department", "project", "projects", "role", "roles", "runai", "compute_resources",
     "data_source"}};
const KeySet lab_keys = {
    {"name", "quota", "inodes", "clients", "durability", "data_tls_resumption", "client_ca", "users"},
    {"gpus", "node_pools", "department", "project", "projects", "role", "roles", "runai", "compute_resources",
     "data_source", "members", "read_only"}};
const KeySet user_keys = {{"name", "lab"}, {"email", "role", "roles", "labs", "projects", "runai", "groups"}};

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
    void apply_defaults();

    SiteProblems problems_;
    fs::path folder_;  // of the file: where relative paths begin
    Site site_;
    Limits defaults_;
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
    YAML::Node users;
    bool named = false;
    problems_.each_key(node, where, lab_keys, [&](const std::string& key, const YAML::Node& value) {
        const auto place = where + "." + key;
        if (key == "users") {
            users.reset(value);
        } else if (key != "name") {
            read_limit(limits, key, value, place);
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
    add_lab(std::move(lab), node);
}

void SiteReader::read_user(const YAML::Node& node, const std::string& where) {
    std::string lab;
    YAML::Node name;
    bool lab_given = false, name_given = false;
    problems_.each_key(node, where, user_keys, [&](const std::string& key, const YAML::Node& value) {
        (key == "name" ? name_given : lab_given) = true;
        if (key == "name") return name.reset(value);
        const auto text = problems_.scalar(value, where + ".lab");
        if (!text) return;
        auto parsed = parse_lab_name(*text);
        if (!parsed) return problems_.add(value, where + ".lab", parsed.error());
        lab = *parsed;
    });
    if (!node.IsMap()) return;
    if (!name_given) problems_.add(node, where + " has no name; add one");
    if (!lab_given) problems_.add(node, where + " has no lab; add one");
    if (name_given) add_user(name, lab, where + ".name");
}

void SiteReader::apply_defaults() {
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
        if (key == "labs")
            problems_.each_item(value, key,
                                [&](const auto& node, const auto& where) { read_lab(node, where); });
        else if (key == "users")
            problems_.each_item(value, key,
                                [&](const auto& node, const auto& where) { read_user(node, where); });
        else if (!value.IsNull())
            problems_.each_key(value, key, defaults_keys,
                               [&](const std::string& name, const YAML::Node& limit) {
                                   read_limit(defaults_, name, limit, "defaults." + name);
                               });
    });
    apply_defaults();
    if (!problems_.any() && site_.labs.empty() && site_.users.empty())
        problems_.add(1, "the file names no lab and no user; add a list `labs:`");
    if (problems_.any()) return problems_.error();
    return std::move(site_);
}

}  // namespace

Result<Site> parse_site(std::string_view text, const std::string& origin) {
    try {
        return SiteReader(origin).read(YAML::Load(std::string(text)));
    } catch (const YAML::Exception& problem) {
        return Error{Code::config, fmt::format("{}:{}: {}", origin, problem.mark.line + 1, problem.msg)};
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
