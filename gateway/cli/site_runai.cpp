// The part of site.yaml that is about Run:ai.
// Runs in: CLI. Distrusts: the file.
#include "gateway/cli/site_runai.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"

namespace stowage::cli {

namespace {

constexpr double unlimited = -1;
constexpr std::uint64_t most_gpus = 1024;

const KeySet runai_keys = {{"url", "cluster"}, {}};
const KeySet pool_keys = {{"name", "label", "placement"}, {}};
const KeySet project_keys = {{"name", "gpus", "over_quota", "node_pool_order"}, {}};
const KeySet compute_keys = {{"name", "gpus", "portion", "memory", "large_shm"}, {}};

std::optional<double> number_in(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::uint64_t> whole_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string quoted(std::string_view text) {
    return fmt::format("\"{}\"", log::escaped(text.substr(0, 80)));
}

std::optional<std::string> read_name(SiteProblems& problems, const YAML::Node& node,
                                     const std::string& where) {
    const auto text = problems.scalar(node, where);
    if (!text) return std::nullopt;
    // Run:ai's names keep the rules of labs' names.
    const auto name = parse_lab_name(for_lab(*text, "x"));
    if (name) return text;
    problems.add(node, fmt::format("{}: {} is no name that Run:ai takes; use lower-case letters, digits and "
                                   "hyphens, a letter first",
                                   where, quoted(*text)));
    return std::nullopt;
}

void read_gpus(SiteProblems& problems, SiteQuota& quota, const YAML::Node& node, const std::string& where) {
    quota.gpus.emplace();
    quota.written.clear();
    if (!node.IsMap() || node.size() == 0)
        return problems.add(node, where + " names node pools with their GPUs, for example {prod: 100}");
    for (const auto& entry : node) {
        const auto pool = read_name(problems, entry.first, where);
        if (!pool) continue;
        const auto place = where + "." + *pool;
        const auto text = problems.scalar(entry.second, place);
        if (!text) continue;
        const auto number = *text == "unlimited" ? std::optional(unlimited) : number_in(*text);
        if (!number || (*number < 0 && *number != unlimited) || *number > 1000000 || *text == "-1") {
            problems.add(entry.second,
                         fmt::format("{}: {} is no number of GPUs; give one from 0, or unlimited", place,
                                     quoted(*text)));
            continue;
        }
        if (!quota.gpus->emplace(*pool, *number).second)
            problems.add(entry.first, fmt::format("{} is there twice; keep one", place));
        quota.written.push_back(*pool);
    }
}

/// "8GiB" and "8G" as Kubernetes writes them.
std::optional<std::string> memory_in(std::string_view text) {
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == text.npos || digits > 9) return std::nullopt;
    const auto unit = text.substr(digits);
    for (const char letter : {'M', 'G', 'T'}) {
        const std::string one(1, letter);
        if (unit == one || unit == one + "B") return std::string(text.substr(0, digits)) + one;
        if (unit == one + "i" || unit == one + "iB") return std::string(text.substr(0, digits)) + one + "i";
    }
    return std::nullopt;
}

/// "8" or "0..8".
std::optional<std::pair<std::uint64_t, std::uint64_t>> range_in(std::string_view text) {
    const auto dots = text.find("..");
    const auto first = whole_in(text.substr(0, std::min(dots, text.size())));
    const auto last = dots == text.npos ? first : whole_in(text.substr(dots + 2));
    if (!first || !last || *first > *last || *last > most_gpus) return std::nullopt;
    return std::pair(*first, *last);
}

std::string with_gpus(std::string name, std::uint64_t gpus) {
    const std::string hole = "{gpus}";
    for (auto at = name.find(hole); at != name.npos; at = name.find(hole))
        name.replace(at, hole.size(), std::to_string(gpus));
    return name;
}

}  // namespace

std::optional<bool> read_flag(SiteProblems& problems, const YAML::Node& node, const std::string& where) {
    const auto text = problems.scalar(node, where);
    if (!text) return std::nullopt;
    if (*text == "true" || *text == "on" || *text == "yes") return true;
    if (*text == "false" || *text == "off" || *text == "no") return false;
    problems.add(node, fmt::format("{}: {} is neither on nor off", where, quoted(*text)));
    return std::nullopt;
}

const std::vector<std::string> usual_roles = {"L2 researcher", "Environment administrator",
                                              "Template administrator"};

std::string for_lab(std::string text, const std::string& lab) {
    const std::string hole = "{lab}";
    for (auto at = text.find(hole); at != text.npos; at = text.find(hole, at + lab.size()))
        text.replace(at, hole.size(), lab);
    return text;
}

SiteQuota SiteQuota::with(const SiteQuota& over) const {
    auto both = *this;
    if (over.gpus) {
        both.gpus = over.gpus;
        both.written = over.written;
        // An order of the defaults is one of the defaults' pools.
        both.order = over.order;
    }
    if (over.order) both.order = over.order;
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

void read_runai(SiteProblems& problems, const YAML::Node& node, std::string& url, std::string& cluster) {
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
        if (const auto text = problems.scalar(value, "runai." + key)) (key == "url" ? url : cluster) = *text;
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
    });
    if (!node.IsMap()) return std::nullopt;
    if (pool.name.empty()) problems.add(node, where + " has no name; add one");
    if (!node["label"]) problems.add(node, where + " has no label; add the one that its nodes carry");
    if (pool.name.empty() || pool.name == "?") return std::nullopt;
    return pool;
}

void read_quota_key(SiteProblems& problems, SiteQuota& quota, const std::string& key, const YAML::Node& value,
                    const std::string& where) {
    if (key == "gpus") return read_gpus(problems, quota, value, where);
    if (key == "over_quota") {
        quota.over_quota = read_flag(problems, value, where);
        return;
    }
    quota.order = read_names(problems, value, where);
    if (quota.order->empty())
        problems.add(value,
                     where + " is empty: work would wait for ever; name a node pool, or leave the key out");
}

std::optional<SiteProject> read_project(SiteProblems& problems, const YAML::Node& node,
                                        const std::string& where) {
    SiteProject project;
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

std::vector<SiteCompute> read_compute(SiteProblems& problems, const YAML::Node& node,
                                      const std::string& where) {
    SiteCompute one;
    std::optional<std::pair<std::uint64_t, std::uint64_t>> range;
    problems.each_key(node, where, compute_keys, [&](const std::string& key, const YAML::Node& value) {
        const auto place = where + "." + key;
        if (key == "large_shm") {
            one.large_shm = read_flag(problems, value, place).value_or(false);
            return;
        }
        const auto text = problems.scalar(value, place);
        if (!text) return;
        if (key == "name") {
            one.name = *text;
        } else if (key == "gpus") {
            range = range_in(*text);
            if (!range)
                problems.add(
                    value, fmt::format("{}: {} is no number of GPUs; give one such as 8, or a range such as "
                                       "0..8",
                                       place, quoted(*text)));
        } else if (key == "portion") {
            one.portion = number_in(*text);
            if (!one.portion || !(*one.portion > 0 && *one.portion <= 1))
                problems.add(
                    value, fmt::format("{}: {} is no part of a GPU; give a number above 0, at most 1", place,
                                       quoted(*text)));
        } else {
            one.memory = memory_in(*text);
            if (!one.memory)
                problems.add(value,
                             fmt::format("{}: {} is no size; write one such as 8GiB", place, quoted(*text)));
        }
    });
    if (!node.IsMap()) return {};
    const int ways = (node["gpus"] ? 1 : 0) + (node["portion"] ? 1 : 0) + (node["memory"] ? 1 : 0);
    if (ways != 1) problems.add(node, where + ": give one of gpus, portion and memory");
    if (ways != 1 || (!range && !one.portion && !one.memory)) return {};
    if (!range) {
        if (one.name.empty()) problems.add(node, where + " has no name; add one");
        return {one};
    }
    if (one.name.empty()) one.name = "gpu{gpus}";
    if (range->first != range->second && one.name.find("{gpus}") == one.name.npos)
        problems.add(node, where + ".name: a range needs {gpus} in its name");
    std::vector<SiteCompute> all;
    for (auto gpus = range->first; gpus <= range->second; ++gpus) {
        auto next = one;
        next.name = with_gpus(one.name, gpus);
        next.gpus = gpus;
        all.push_back(std::move(next));
    }
    return all;
}

std::vector<std::string> read_names(SiteProblems& problems, const YAML::Node& node,
                                    const std::string& where) {
    std::vector<std::string> names;
    problems.each_item(node, where, [&](const YAML::Node& item, const std::string& place) {
        const auto text = problems.scalar(item, place);
        if (!text) return;
        if (text->empty() || text->size() > 200)
            problems.add(item, place + " is no name");
        else if (std::find(names.begin(), names.end(), *text) != names.end())
            problems.add(item, fmt::format("{}: {} is there twice; keep one", place, quoted(*text)));
        else
            names.push_back(*text);
    });
    return names;
}

std::optional<std::string> read_email(SiteProblems& problems, const YAML::Node& node,
                                      const std::string& where) {
    const auto text = problems.scalar(node, where);
    if (!text) return std::nullopt;
    auto email = *text;
    std::transform(email.begin(), email.end(), email.begin(), [](unsigned char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
    });
    const auto at = email.find('@');
    const auto dot = email.rfind('.');
    const bool good = at != email.npos && at > 0 && email.find('@', at + 1) == email.npos &&
                      dot != email.npos && dot > at + 1 && email.size() - dot > 2 && email.size() <= 254 &&
                      email.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._%+-@") == email.npos;
    if (good) return email;
    problems.add(
        node, fmt::format("{}: {} is no email address; write it as name@example.org", where, quoted(*text)));
    return std::nullopt;
}

}  // namespace stowage::cli
