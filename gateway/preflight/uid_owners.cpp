// Who else has ids of labs.uid_min..labs.uid_max on this machine. Files only: a directory service may be
// slow, and have more entries than anybody wants to wait for. Runs in: supervisor, CLI. Distrusts: lines of
// any shape.
#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/counted.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/privileges.hpp"
#include "gateway/preflight/findings.hpp"

namespace stowage {

namespace {

using Severity = Finding::Severity;

constexpr std::size_t largest_file = 64 << 20;

struct Ids {
    std::uint64_t first = 0, count = 1;
    bool meet(std::uint64_t min, std::uint64_t max) const {
        return count > 0 && first <= max && min - std::min(min, first) < count;
    }
    std::string text() const {
        return count == 1 ? std::to_string(first) : fmt::format("{}..{}", first, first + count - 1);
    }
};

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// NAME:x:ID:… of passwd and group, NAME:FIRST:COUNT of the others.
std::optional<Ids> ids_in(std::string_view line, bool subordinate) {
    std::array<std::string_view, 3> fields;
    for (auto& field : fields) {
        field = line.substr(0, line.find(':'));
        line.remove_prefix(std::min(field.size() + 1, line.size()));
    }
    const auto first = number(fields[subordinate ? 1 : 2]);
    const auto count = subordinate ? number(fields[2]) : 1;
    if (!first || !count) return std::nullopt;
    return Ids{*first, *count};
}

struct IdFile {
    const char* name;
    const char* what;  ///< that an entry has
    bool subordinate;
    const char* harm;
};

void check_file(const Config& config, const std::string& etc, const IdFile& file, Findings& findings) {
    const auto path = etc + "/" + file.name;
    const auto text = read_file(path, largest_file);
    if (!text) return;
    const std::uint64_t min = config.labs.uid_min, max = config.labs.uid_max;
    std::string first;
    std::size_t met = 0;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const auto ids = ids_in(line, file.subordinate);
        if (!ids || !ids->meet(min, max)) continue;
        if (met++ == 0)
            first = fmt::format("{} has {} {}", log::escaped(line.substr(0, line.find(':'))), file.what,
                                ids->text());
    }
    if (met == 0) return;
    const auto more =
        met == 1 ? "" : fmt::format(", and {} more likewise", counted(met - 1, "entry", "entries"));
    findings.add(Severity::warning, "labs.uid_min",
                 {Code::config,
                  fmt::format("{} ({}){}: inside labs.uid_min..labs.uid_max ({}..{}), so {}", first, path,
                              more, min, max, file.harm),
                  "give them other ids, or choose a range that nobody has before the first lab is made"});
}

void check_process_user(const Config& config, const char* key, const std::string& user, Findings& findings) {
    const auto uid = privileges::user_id(user);
    if (!uid) return;  // told where accounts are looked at
    if (*uid >= config.labs.uid_min && *uid <= config.labs.uid_max)
        return findings.add_error(key,
                                  fmt::format("{} has uid {}, which is inside labs.uid_min..labs.uid_max",
                                              log::escaped(user), *uid),
                                  "name an account whose uid no lab can get");
    const auto* entry = ::getpwuid(*uid);
    if (!entry) return;
    const std::string_view shell = entry->pw_shell;
    if (shell.ends_with("/nologin") || shell.ends_with("/false") || shell.ends_with("/sync")) return;
    findings.add(Severity::warning, key,
                 {Code::config,
                  fmt::format("{} has the login shell {}: who logs in as it owns what the process owns",
                              log::escaped(user), log::escaped(shell.empty() ? "/bin/sh" : shell)),
                  "name an account of the gateway's own, or: usermod --shell /usr/sbin/nologin " + user});
}

}  // namespace

void check_uid_owners(const Config& config, const std::string& etc, Findings& findings) {
    constexpr auto same_files = "a lab's files may be theirs, and theirs the lab's";
    constexpr auto in_namespace =
        "a user namespace of theirs may read and write a lab's files on this machine";
    for (const IdFile& file : {IdFile{"passwd", "uid", false, same_files},
                               {"group", "gid", false, same_files},
                               {"subuid", "subordinate uids", true, in_namespace},
                               {"subgid", "subordinate gids", true, in_namespace}})
        check_file(config, etc, file, findings);
    check_process_user(config, "process.controller_user", config.process.controller_user, findings);
    check_process_user(config, "process.front_user", config.process.front_user, findings);
}

}  // namespace stowage
