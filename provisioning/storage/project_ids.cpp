// Which project ids are free.
// Runs in: root_step. Pure.
#include <charconv>
#include <optional>

#include "provisioning/storage/project.hpp"

namespace stowage::storage {

namespace {

constexpr std::uint32_t most_tries = 1000;

std::optional<std::uint32_t> number_in(std::string_view text) {
    std::uint32_t number = 0;
    const auto end = text.data() + text.size();
    const auto [stopped, failed] = std::from_chars(text.data(), end, number);
    if (failed != std::errc{} || stopped != end) return std::nullopt;
    return number;
}

/// The number before or behind the first colon of each line.
void collect(std::string_view text, bool before, std::set<std::uint32_t>& ids) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto colon = line.find(':');
        if (line.starts_with('#') || colon == std::string_view::npos) continue;
        auto field = before ? line.substr(0, colon) : line.substr(colon + 1);
        field = field.substr(0, field.find_last_not_of(" \t\r") + 1);
        if (const auto id = number_in(field)) ids.insert(*id);
    }
}

}  // namespace

std::set<std::uint32_t> named_projects(std::string_view projid_file, std::string_view projects_file) {
    std::set<std::uint32_t> ids;
    collect(projid_file, false, ids);
    collect(projects_file, true, ids);
    return ids;
}

Result<std::uint32_t> free_project(std::uint32_t uid, std::uint32_t stride,
                                   const std::function<Result<bool>(std::uint32_t)>& is_taken) {
    std::uint64_t candidate = uid;
    for (std::uint32_t tries = 0; tries < most_tries && candidate < UINT32_MAX; ++tries) {
        const auto id = static_cast<std::uint32_t>(candidate);
        TRY(const bool taken, is_taken(id));
        if (!taken) return id;
        candidate += stride;
    }
    return Error{Code::no_space, "every project id that the lab could have is in use",
                 "see /etc/projid, /etc/projects and `xfs_quota -xc 'report -p'` or `repquota -P`"};
}

}  // namespace stowage::storage
