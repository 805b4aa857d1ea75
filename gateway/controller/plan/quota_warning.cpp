// Per cent, and levels.
// Runs in: controller.
#include "gateway/controller/plan/quota_warning.hpp"

#include <algorithm>

namespace stowage::controller {

namespace {

constexpr int clearly_below = 2;

int percent(std::uint64_t used, std::uint64_t limit) {
    if (limit == 0) return 0;
    return static_cast<int>(std::min(static_cast<double>(used) / static_cast<double>(limit) * 100, 999.0));
}

}  // namespace

int percent_used(const message::LabObservation& seen) {
    if (seen.quota_backend == message::QuotaBackend::none) return 0;
    return std::max(percent(seen.used_bytes, seen.quota_bytes), percent(seen.used_inodes, seen.quota_inodes));
}

int warning_level(int percent) {
    return percent >= 95 ? 95 : percent >= 90 ? 90 : percent >= 80 ? 80 : 0;
}

int next_warning(int before, int percent) {
    const int level = warning_level(percent);
    if (level >= before) return level;
    return percent > before - clearly_below ? before : level;
}

}  // namespace stowage::controller
