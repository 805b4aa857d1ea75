// The parts of site.yaml about Run:ai that are no quotas: where it is, node pools, data sources.
// Runs in: CLI.
#include "gateway/cli/site_runai.hpp"

#include <fmt/format.h>

#include "gateway/base/kubernetes_label.hpp"
#include "gateway/base/same_url.hpp"
#include "gateway/cli/site_words.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

namespace {

const KeySet runai_keys = {{"url", "cluster"}, {}};
const KeySet pool_keys = {{"name", "label", "placement"}, {}};

}  // namespace

const std::vector<std::string> usual_roles = {"L2 researcher", "Environment administrator",
                                              "Template administrator"};

void read_runai(SiteProblems& problems, const YAML::Node& node, const SiteGateway& gateway, std::string& url,
                std::string& cluster) {
    if (node.IsMap())
        for (const char* secret : {"client_secret", "secret", "password", "token", "credentials"})
            if (node[secret])
                problems.add(
                    node[secret],
                    fmt::format("runai.{}: no secret belongs into this file; put it into the file that "
                                "runai.client_secret_file of stowage.yaml names, readable by root alone",
                                secret));
    auto keys = runai_keys;
    // Told above, better than as unknown.
    for (const char* secret : {"client_secret", "secret", "password", "token", "credentials"})
        keys.known.emplace_back(secret);
    problems.each_key(node, "runai", keys, [&](const std::string& key, const YAML::Node& value) {
        if (key != "url" && key != "cluster") return;
        const auto text = problems.scalar(value, "runai." + key);
        if (!text) return;
        (key == "url" ? url : cluster) = *text;
        const auto& configured = key == "url" ? gateway.url : gateway.cluster;
        const bool same = key == "url" ? is_same_url(*text, configured) : *text == configured;
        if (!configured.empty() && !same)
            problems.add(value, fmt::format("runai.{} is {}, and the gateway's is {}; correct one of them",
                                            key, shown(*text), shown(configured)));
    });
}

std::optional<SitePool> read_pool(SiteProblems& problems, const YAML::Node& node, const std::string& where) {
    SitePool pool;
    problems.each_key(node, where, pool_keys, [&](const std::string& key, const YAML::Node& value) {
        const auto place = where + "." + key;
        if (key == "name") {
            pool.name = read_name(problems, value, place).value_or("?");
            return;
        }
        const auto text = problems.scalar(value, place);
        if (!text) return;
        if (key == "placement") {
            pool.placement = *text;
            if (*text != "binpack" && *text != "spread")
                problems.add(value,
                             fmt::format("{}: {} is none; give binpack or spread", place, quoted(*text)));
            return;
        }
        const auto equals = text->find('=');
        if (equals == text->npos || equals == 0 || equals + 1 == text->size())
            return problems.add(value, fmt::format("{}: {} is no label; write KEY=VALUE, for example "
                                                   "example.org/node-pool=prod",
                                                   place, quoted(*text)));
        pool.label_key = text->substr(0, equals);
        pool.label_value = text->substr(equals + 1);
        if (const auto good = check_label(pool.label_key, pool.label_value); !good)
            problems.add(value, place, good.error());
    });
    if (!node.IsMap()) return std::nullopt;
    if (pool.name.empty()) problems.add(node, where + " has no name; add one");
    if (!node["label"]) problems.add(node, where + " has no label; add the one that its nodes carry");
    if (pool.name.empty() || pool.name == "?") return std::nullopt;
    return pool;
}

}  // namespace stowage::cli
