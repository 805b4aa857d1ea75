// Node pools of Run:ai as values.
// Runs in: controller. Distrusts: what came back; it is escaped when shown.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gateway/base/result.hpp"
#include "provisioning/runai/difference.hpp"

namespace stowage::runai {

/// Of one cluster, and named by one unit: each unit is compared with each pool.
inline constexpr std::size_t max_node_pools = 500;

struct NodePool {
    std::string name, label_key, label_value;
    std::string placement = "binpack";  ///< or "spread"; of CPUs and GPUs alike

    bool operator==(const NodePool&) const = default;
};

struct ObservedNodePool {
    std::string id;
    NodePool value;  ///< placement empty: Run:ai does not say
    bool is_default = false;
    std::string phase;  ///< "Ready", "Empty", …; may be empty
    std::size_t nodes = 0;
    std::string created_by = {};
};

std::vector<Difference> differences(const NodePool& wanted, const NodePool& found);

/// Code::invalid for names and labels that Run:ai or Kubernetes would not take.
Result<void> check(const NodePool& pool);

}  // namespace stowage::runai
