// Node pools of Run:ai as values.
// Runs in: controller. Distrusts: what came back.
#include "provisioning/runai/node_pool.hpp"

#include <fmt/format.h>

#include "gateway/base/kubernetes_label.hpp"
#include "gateway/base/log.hpp"
#include "provisioning/runai/org_unit.hpp"

namespace stowage::runai {
std::vector<Difference> differences(const NodePool& wanted, const NodePool& found) {
    std::vector<Difference> out;
    compare(out, "label", wanted.label_key + '=' + wanted.label_value,
            found.label_key + '=' + found.label_value);
    if (!found.placement.empty()) compare(out, "placement", wanted.placement, found.placement);
    return out;
}

Result<void> check(const NodePool& pool) {
    CHECK(check_unit_name("node pool", pool.name));
    if (const auto good = check_label(pool.label_key, pool.label_value); !good)
        return Error{good.error().code, fmt::format("node pool {}: label {}", pool.name, good.error().what),
                     good.error().remedy};
    if (pool.placement != "binpack" && pool.placement != "spread")
        return Error{
            Code::invalid,
            fmt::format("node pool {}: placement \"{}\" is none", pool.name, log::escaped(pool.placement)),
            "use binpack or spread"};
    return {};
}

}  // namespace stowage::runai
