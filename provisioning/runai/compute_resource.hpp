// Compute resources of Run:ai as values: how many GPUs, or which part of one.
// Runs in: controller. Distrusts: what came back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.hpp"
#include "provisioning/runai/difference.hpp"

namespace stowage::runai {

/// Tenant-wide, as the admins' notes have them. At most one of portion and memory, and then one GPU.
struct ComputeResource {
    std::string name;
    int gpus = 0;
    std::optional<double> portion = {};      ///< of one GPU, above 0 and at most 1
    std::optional<std::string> memory = {};  ///< of one GPU: "8G"
    bool large_shm = false;
};

struct ObservedComputeResource {
    std::string id;
    std::string scope;
    ComputeResource value;
    std::string created_by = {};
};

/// What is really sent for it: 2.20.29 submits several whole GPUs given as portion 100 % as one, so a portion
/// goes with exactly one GPU, and with that it always goes.
ComputeResource as_sent(ComputeResource resource);

std::vector<Difference> differences(const ComputeResource& wanted, const ComputeResource& found);

Result<void> check(const ComputeResource& resource);

}  // namespace stowage::runai
