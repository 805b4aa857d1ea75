// Node pools of Run:ai as values.
// Runs in: controller. Distrusts: what came back.
#include "provisioning/runai/node_pool.hpp"

#include <fmt/format.h>

#include "gateway/base/log.hpp"
#include "provisioning/runai/org_unit.hpp"

namespace stowage::runai {
namespace {

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Letters, digits, '-', '_', '.'; the ends are letters or digits; at most 63 bytes.
bool is_label_word(std::string_view text) {
    if (text.empty() || text.size() > 63 || !is_alnum(text.front()) || !is_alnum(text.back())) return false;
    for (const char c : text)
        if (!is_alnum(c) && c != '-' && c != '_' && c != '.') return false;
    return true;
}

bool is_label_key(std::string_view key) {
    const auto slash = key.find('/');
    if (slash == key.npos) return is_label_word(key);
    return is_label_word(key.substr(0, slash)) && is_label_word(key.substr(slash + 1));
}

}  // namespace

std::vector<Difference> differences(const NodePool& wanted, const NodePool& found) {
    std::vector<Difference> out;
    compare(out, "labelKey", wanted.label_key, found.label_key);
    compare(out, "labelValue", wanted.label_value, found.label_value);
    if (!found.placement.empty()) compare(out, "placementStrategy", wanted.placement, found.placement);
    return out;
}

Result<void> check(const NodePool& pool) {
    CHECK(check_unit_name("node pool", pool.name));
    if (!is_label_key(pool.label_key))
        return Error{Code::invalid,
                     fmt::format("node pool {}: label key \"{}\" is no label key of Kubernetes", pool.name,
                                 log::escaped(pool.label_key)),
                     "use letters, digits, '-', '_' and '.', and one '/' at most, as in example.org/pool"};
    if (!is_label_word(pool.label_value))
        return Error{Code::invalid,
                     fmt::format("node pool {}: label value \"{}\" is no label value of Kubernetes",
                                 pool.name, log::escaped(pool.label_value)),
                     "use letters, digits, '-', '_' and '.', at most 63"};
    if (pool.placement != "binpack" && pool.placement != "spread")
        return Error{
            Code::invalid,
            fmt::format("node pool {}: placement \"{}\" is none", pool.name, log::escaped(pool.placement)),
            "use binpack or spread"};
    return {};
}

}  // namespace stowage::runai
