// Versions of Run:ai, and the one table of what differs between them.
// Runs in: controller. Distrusts: the text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stowage::runai {

struct Version {
    unsigned major = 0, minor = 0, patch = 0;

    auto operator<=>(const Version&) const = default;
};

/// "2.20.29", "v2.20.29-rc1"; nothing for what begins in no such way.
std::optional<Version> parse_version(std::string_view text);

/// What versions do differently, as far as it concerns us.
enum class Trait {
    placement_inside_scheduling,  ///< node pools: schedulingConfiguration.placementStrategy
    roles_can_be_off,             ///< roles: effectiveEnabled must be true
    rules_have_phases,            ///< access rules: status.phase must be Ready
    several_pools_may_stick,  ///< more than one default pool can leave work unscheduled for ever (RUN-27309)
    portion_of_many_is_one,   ///< whole GPUs given as portion 100 % are submitted as one (RUN-26671)
};

/// True if this version does so. A version that is not known is taken for the oldest that we know.
bool has(const std::optional<Version>& version, Trait trait);

/// Why this version is worth a warning; empty if it is one that we were made for.
std::string warning_about(std::string_view version_text);

}  // namespace stowage::runai
