// The top of site.yaml, and the files around it.
// Runs in: CLI.
#include "gateway/cli/site_file.hpp"

#include <fmt/format.h>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/client_ca_limits.hpp"
#include "gateway/base/yaml_problem.hpp"
#include "gateway/cli/site_reader.hpp"

namespace stowage::cli {

namespace {

constexpr const char* how_to_begin =
    "give a site file; /usr/share/doc/stowage/examples has some to begin with";

const KeySet top_keys = {
    {"defaults", "labs", "users", "runai", "node_pools", "compute_resources"},
    {"departments", "projects", "roles", "access_rules", "cluster", "clusters", "policies", "prune"}};

}  // namespace

Result<Site> SiteReader::read(const YAML::Node& root) {
    problems_.each_key(root, "", top_keys, [&](const std::string& key, const YAML::Node& value) {
        if (key == "defaults")
            read_defaults(value);
        else if (key == "runai")
            read_runai(problems_, value, gateway_, site_.runai_url, site_.runai_cluster);
        else if (key == "node_pools")
            problems_.each_item(value, key, [&](const auto& node, const auto& where) {
                if (auto pool = read_pool(problems_, node, where)) add_pool(std::move(*pool), line_of(node));
            });
        else if (key == "compute_resources")
            problems_.each_item(value, key, [&](const auto& node, const auto& where) {
                for (auto& one : read_compute(problems_, node, where))
                    add_compute(std::move(one), line_of(node));
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

Result<Site> parse_site(std::string_view text, const std::string& origin, const SiteGateway& gateway) {
    try {
        YAML::Node root;
        CHECK(load_yaml(origin, text, root));
        return SiteReader(origin, gateway).read(root);
    } catch (const YAML::Exception& problem) {
        return yaml_problem(origin, problem, text);
    }
}

Result<std::string> read_client_cas(const std::string& path) {
    auto text = read_file(path, most_client_ca_file_bytes);
    if (!text && text.error().code == Code::invalid)
        return Error{Code::config,
                     fmt::format("{} has more than {} KiB: this is no bundle of CAs", path,
                                 most_client_ca_file_bytes / 1024),
                     "give only the CAs that sign the clients' certificates"};
    if (!text) return Error{text.error().code, text.error().what, "give a readable file with the CAs as PEM"};
    if (text->empty()) return Error{Code::config, path + " is empty", "give the CAs as PEM"};
    return text;
}

Result<Site> read_site_file(const std::string& path, const SiteGateway& gateway) {
    auto text = read_file(path);
    if (!text && text.error().code == Code::invalid)
        return Error{Code::config, path + " has more than 1 MiB: this is not a site file", how_to_begin};
    if (!text) return Error{text.error().code, text.error().what, how_to_begin};
    return parse_site(*text, path, gateway);
}

}  // namespace stowage::cli
