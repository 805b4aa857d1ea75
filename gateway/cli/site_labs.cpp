// Labs of a site file, and the limits that labs and defaults may have.
// Runs in: CLI.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/config_parsers.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/cli/site_reader.hpp"
#include "gateway/cli/site_words.hpp"

namespace stowage::cli {

namespace {

const KeySet lab_keys = {
    {"name", "quota", "inodes", "clients", "durability", "data_tls_resumption", "client_ca", "users", "gpus",
     "over_quota", "node_pool_order", "project", "projects", "data_source"},
    {"node_pools", "department", "role", "roles", "runai", "compute_resources", "members", "read_only"}};

template <typename T>
Result<void> check_choice(std::string_view text, Result<T> (*parse)(std::string_view)) {
    if (text == "default") return {};
    auto value = parse(text);
    if (value) return {};
    return Error{Code::invalid, value.error().what, value.error().remedy + ", default"};
}

}  // namespace

void SiteReader::read_clients(LabLimits& limits, const YAML::Node& value, const std::string& where) {
    std::vector<std::string> networks, plain;
    const auto add = [&](const YAML::Node& item, const std::string& place) {
        const auto text = problems_.scalar(item, place);
        if (!text) return;
        const auto client = parse_client(*text);
        if (!client) return problems_.add(item, place, client.error());
        const auto canonical = to_text(*client);
        if (std::find(networks.begin(), networks.end(), canonical) != networks.end())
            return problems_.add(item, fmt::format("{}: {} is there twice; keep one", place, canonical));
        for (const auto& other : plain)
            if (networks_overlap(other, client->network))
                return problems_.add(
                    item, fmt::format("{}: {} and {} overlap; leave the smaller one out: the larger one "
                                      "admits it already",
                                      place, client->network, other));
        plain.push_back(client->network);
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

void SiteReader::read_client_ca(LabLimits& limits, const YAML::Node& value, const std::string& path,
                                const std::string& where) {
    limits.client_cas.emplace();
    if (path == "none") return;
    auto text = read_client_cas(folder_ / path);
    if (text)
        limits.client_cas = std::move(*text);
    else
        problems_.add(value, where, text.error());
}

void SiteReader::read_limit(LabLimits& limits, const std::string& key, const YAML::Node& value,
                            const std::string& where) {
    if (key == "clients") return read_clients(limits, value, where);
    const auto text = problems_.scalar(value, where);
    if (!text) return;
    if (key == "client_ca") return read_client_ca(limits, value, *text, where);
    if (key == "durability" || key == "data_tls_resumption") {
        const auto good = key == "durability" ? check_choice(*text, config_parsers::durability)
                                              : check_choice(*text, config_parsers::resumption);
        if (!good)
            return problems_.add(value, fmt::format("{}: {} {}; {}", where, cli::quoted(*text),
                                                    good.error().what, good.error().remedy));
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

void SiteReader::read_lab_key(const std::string& key, const YAML::Node& value, const std::string& where,
                              LabLimits& limits, Written& written) {
    auto& department = written.department;
    if (key == "data_source") {
        written.source = read_data_source(problems_, value, where, true);
        return;
    }
    if (key == "gpus" || key == "over_quota" || key == "node_pool_order")
        return read_quota_key(problems_, department.quota, key, value, where);
    if (key == "project") {
        if (const auto name = problems_.scalar(value, where))
            department.projects.push_back({*name, {}, line_of(value)});
        return;
    }
    if (key == "projects")
        return problems_.each_item(value, where, [&](const YAML::Node& node, const std::string& place) {
            if (auto project = read_project(problems_, node, place))
                department.projects.push_back(std::move(*project));
        });
    read_limit(limits, key, value, where);
}

void SiteReader::read_lab(const YAML::Node& node, const std::string& where) {
    SiteLab lab;
    LabLimits limits;
    Written written;
    YAML::Node users;
    bool named = false;
    problems_.each_key(node, where, lab_keys, [&](const std::string& key, const YAML::Node& value) {
        const auto place = where + "." + key;
        if (key == "users") {
            users.reset(value);
        } else if (key != "name") {
            read_lab_key(key, value, place, limits, written);
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
    written.department.lab = lab.name;
    written.line = line_of(node);
    written_.push_back(std::move(written));
    add_lab(std::move(lab), node);
}

}  // namespace stowage::cli
