// Compute resources: GPUs whole, in ranges, or parts of one.
// Runs in: CLI.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gateway/cli/site_runai.hpp"
#include "gateway/cli/site_words.hpp"

namespace stowage::cli {

namespace {

constexpr std::uint64_t most_gpus = 1024;

const KeySet compute_keys = {{"name", "gpus", "portion", "memory", "large_shm"}, {}};

std::optional<std::uint64_t> whole_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
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

}  // namespace stowage::cli
