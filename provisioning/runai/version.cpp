// Versions of Run:ai, and the one table of what differs between them.
// Runs in: controller. Distrusts: the text.
#include "provisioning/runai/version.hpp"

#include <fmt/format.h>

#include <charconv>

#include "gateway/base/log.hpp"

namespace stowage::runai {
namespace {

constexpr Version oldest{2, 20, 0};
constexpr Version newest_minor{2, 24, 0};

/// A trait holds from its first version up to, not including, its end.
struct Row {
    Trait trait;
    Version from, end;
};

constexpr Version never_ends{~0U, 0, 0};

constexpr Row table[] = {
    {Trait::placement_inside_scheduling, {2, 24, 0}, never_ends},
    {Trait::roles_can_be_off, {2, 21, 0}, never_ends},
    {Trait::rules_have_phases, {2, 24, 0}, never_ends},
    {Trait::several_pools_may_stick, {}, {2, 20, 39}},
    {Trait::portion_of_many_is_one, {}, {2, 20, 34}},
};

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
    if (!text.empty() && text.front() == 'v') text.remove_prefix(1);
    Version version;
    unsigned* parts[] = {&version.major, &version.minor, &version.patch};
    for (int i = 0; i < 3; ++i) {
        if (i > 0) {
            // "2.20" alone is its first release.
            if (text.empty() || text.front() != '.') break;
            text.remove_prefix(1);
        }
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *parts[i]);
        if (error != std::errc()) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    }
    if (version.major == 0) return std::nullopt;
    return version;
}

bool has(const std::optional<Version>& version, Trait trait) {
    const auto known = version.value_or(oldest);
    for (const auto& row : table)
        if (row.trait == trait) return known >= row.from && known < row.end;
    return false;
}

std::string warning_about(std::string_view version_text) {
    const auto version = parse_version(version_text);
    const auto shown = log::escaped(version_text.substr(0, 40));
    if (!version) return fmt::format("the cluster's version \"{}\" cannot be read; taken for 2.20", shown);
    if (*version < oldest) return fmt::format("Run:ai {} is older than 2.20, which this is made for", shown);
    if (version->major > 2 || version->minor > newest_minor.minor)
        return fmt::format("Run:ai {} is newer than 2.24, which this is made for", shown);
    return {};
}

}  // namespace stowage::runai
