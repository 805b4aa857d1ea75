// Compute resources of Run:ai as values.
// Runs in: controller. Distrusts: what came back.
#include "provisioning/runai/compute_resource.hpp"

#include <fmt/format.h>

#include "gateway/base/log.hpp"

namespace stowage::runai {
namespace {

constexpr int max_gpus = 1024;

std::string shown(const std::optional<double>& portion) {
    return portion ? fmt::format("{:g}", *portion) : "none";
}

/// "8G", "500Mi": digits, then one of Kubernetes' suffixes.
bool is_quantity(std::string_view text) {
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == text.npos || digits > 12) return false;
    const auto suffix = text.substr(digits);
    for (const std::string_view one : {"M", "G", "T", "Mi", "Gi", "Ti"})
        if (suffix == one) return true;
    return false;
}

}  // namespace

ComputeResource as_sent(ComputeResource resource) {
    if (resource.memory || resource.portion)
        resource.gpus = 1;
    else if (resource.gpus == 1)
        resource.portion = 1.0;
    return resource;
}

std::vector<Difference> differences(const ComputeResource& wanted_, const ComputeResource& found) {
    const auto wanted = as_sent(wanted_);
    std::vector<Difference> out;
    compare(out, "gpuDevicesRequest", std::to_string(wanted.gpus), std::to_string(found.gpus));
    // One GPU without a portion is one whole GPU.
    const auto portion = found.gpus == 1 && !found.memory && !found.portion ? 1.0 : found.portion;
    compare(out, "gpuPortionRequest", shown(wanted.portion), shown(portion));
    compare(out, "gpuMemoryRequest", wanted.memory.value_or("none"), found.memory.value_or("none"));
    compare(out, "largeShmRequest", wanted.large_shm ? "true" : "false", found.large_shm ? "true" : "false");
    return out;
}

Result<void> check(const ComputeResource& resource) {
    const auto where = fmt::format("compute resource \"{}\"", log::escaped(resource.name.substr(0, 100)));
    bool good = !resource.name.empty() && resource.name.size() <= 100;
    for (const char c : resource.name)
        good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        c == '-' || c == '_' || c == '.');
    if (!good) return Error{Code::invalid, where + " is no name", "use letters, digits, '-', '_' and '.'"};
    if (resource.gpus < 0 || resource.gpus > max_gpus)
        return Error{Code::invalid, fmt::format("{}: {} GPUs", where, resource.gpus), "give 0 to 1024"};
    if (resource.portion && resource.memory)
        return Error{Code::invalid, where + " has a portion and memory", "give one of them"};
    if (resource.portion && !(*resource.portion > 0 && *resource.portion <= 1))
        return Error{Code::invalid, fmt::format("{}: portion {:g}", where, *resource.portion),
                     "give a number above 0, at most 1"};
    if (resource.memory && !is_quantity(*resource.memory))
        return Error{Code::invalid, fmt::format("{}: memory \"{}\"", where, log::escaped(*resource.memory)),
                     "give a size such as 8G or 500Mi"};
    return {};
}

}  // namespace stowage::runai
