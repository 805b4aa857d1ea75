// The words of quotas.
// Runs in: worker.
#include "ftps/worker/usage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/identity.hpp"

namespace stowage::ftps {

namespace {

using message::QuotaBackend;

// An upload stops when its next piece does not fit: up to this much may be left then (a buffer of 256 KiB,
// and what filesystems keep for themselves).
constexpr std::uint64_t slack_bytes = 4 << 20;

constexpr auto remedy_lab = "delete something, or ask the administrator for a higher limit";
constexpr auto remedy_disk = "tell the administrator: the storage itself is full, not only this lab";

std::optional<std::uint64_t> left(std::uint64_t limit, const std::optional<std::uint64_t>& used) {
    if (limit == 0 || !used) return {};
    return limit > *used ? limit - *used : 0;
}

std::string bytes_words(const Usage& usage) {
    return fmt::format("{} of {} are used, {} are left", format_bytes(*usage.used_bytes),
                       format_bytes(usage.limit_bytes), format_bytes(*bytes_left(usage)));
}

std::string inode_words(const Usage& usage) {
    return fmt::format("{} of {} files and directories", *usage.used_inodes, usage.limit_inodes);
}

Error lab_is_full(const Usage& usage, std::string subject) {
    if (bytes_left(usage))
        return {Code::over_quota, std::move(subject) + ": " + bytes_words(usage), remedy_lab};
    if (usage.limit_bytes > 0)
        return {Code::over_quota, fmt::format("{}: it may hold {}", subject, format_bytes(usage.limit_bytes)),
                remedy_lab};
    return {Code::over_quota, std::move(subject), remedy_lab};
}

Error no_more_files(const Usage& usage, std::string_view prefix) {
    return {Code::over_quota,
            fmt::format("{}the lab has as many files as it may: {}", prefix, inode_words(usage)), remedy_lab};
}

Error disk_is_full(const Usage& usage, std::string_view prefix) {
    if (usage.disk_free_inodes == std::uint64_t{0})
        return {Code::no_space, fmt::format("{}the whole storage has no room for more files", prefix),
                remedy_disk};
    auto what = fmt::format("{}the whole storage is full", prefix);
    if (usage.disk_free_bytes)
        what += fmt::format(" ({} are left of it)", format_bytes(*usage.disk_free_bytes));
    return {Code::no_space, std::move(what), remedy_disk};
}

// "name: words" -> "name: ".
std::string subject_of(const Error& error) {
    const auto colon = error.what.rfind(": ");
    return colon == std::string::npos ? std::string() : error.what.substr(0, colon + 2);
}

/// XFS says ENOSPC for a project's quota too.
bool was_the_labs_limit(const Usage& usage, std::uint64_t grown) {
    if (usage.backend != QuotaBackend::xfs) return false;
    const auto room = bytes_left(usage);
    return room && *room <= grown + slack_bytes;
}

/// What a copy or an archive brought is gone when the numbers are looked at: too many names then shows in
/// that its bytes would have fitted.
bool was_too_many_files(const Usage& usage, std::uint64_t grown) {
    const auto room = bytes_left(usage);
    return inodes_left(usage) && (!room || *room > grown + slack_bytes);
}

int percent_used(std::uint64_t limit, const std::optional<std::uint64_t>& used) {
    if (limit == 0 || !used) return 0;
    return static_cast<int>(std::min(static_cast<double>(*used) / static_cast<double>(limit) * 100, 999.0));
}

int percent_used(const Usage& usage) {
    return percent_used(usage.limit_bytes, usage.used_bytes);
}

int percent_of_files(const Usage& usage) {
    return percent_used(usage.limit_inodes, usage.used_inodes);
}

/// From 80 % on.
const char* tone_of(int percent) {
    return percent >= 100  ? " FULL:"
           : percent >= 95 ? " ALMOST FULL:"
           : percent >= 90 ? " Little room is left:"
                           : "";
}

std::string_view who_counts(const Usage& usage) {
    if (!usage.backend) return "Nobody could be asked what is used at the moment";
    switch (*usage.backend) {
        case QuotaBackend::none:
            return "Counted by this FTPS server: what pods write counts from its next look at the whole lab "
                   "on, and is "
                   "not stopped";
        case QuotaBackend::btrfs:
            return "Enforced by the filesystem (btrfs), for pods too";
        case QuotaBackend::xfs:
            return "Enforced by the filesystem (XFS), for pods too";
        case QuotaBackend::ext4:
            return "Enforced by the filesystem (ext4), for pods too";
        case QuotaBackend::cephfs:
            return "Enforced by the filesystem (CephFS), for pods too";
    }
    return "";
}

std::string exact(const std::optional<std::uint64_t>& bytes) {
    return bytes ? fmt::format("{} ({} bytes)", format_bytes(*bytes), *bytes) : "not known";
}

}  // namespace

std::optional<std::uint64_t> bytes_left(const Usage& usage) {
    return left(usage.limit_bytes, usage.used_bytes);
}

std::optional<std::uint64_t> inodes_left(const Usage& usage) {
    return left(usage.limit_inodes, usage.used_inodes);
}

std::optional<std::uint64_t> bytes_available(const Usage& usage) {
    const auto lab = bytes_left(usage);
    if (!lab || !usage.disk_free_bytes) return lab ? lab : usage.disk_free_bytes;
    return std::min(*lab, *usage.disk_free_bytes);
}

Result<void> check_room(const Usage& usage, std::uint64_t bytes, std::uint64_t announced) {
    if (inodes_left(usage) == std::uint64_t{0}) return no_more_files(usage, "");
    const auto room = bytes_left(usage);
    const auto promised = room ? std::min(announced, *room) : 0;
    if (room && *room == 0) return lab_is_full(usage, "the lab's limit is reached");
    if (room && bytes > *room - promised) {
        auto subject = fmt::format("{} would be more than the lab may hold", format_bytes(bytes));
        if (promised > 0)
            subject += fmt::format(", with {} that other uploads have announced", format_bytes(announced));
        return lab_is_full(usage, std::move(subject));
    }
    // Without its usage: this much can never fit.
    if (usage.limit_bytes > 0 && bytes > usage.limit_bytes)
        return lab_is_full(usage, fmt::format("{} are more than the lab may hold", format_bytes(bytes)));
    const bool no_inode = usage.disk_free_inodes == std::uint64_t{0};
    if (no_inode ||
        (usage.disk_free_bytes && (*usage.disk_free_bytes == 0 || bytes > *usage.disk_free_bytes)))
        return disk_is_full(usage, "");
    return {};
}

Error explained(Error error, const Usage& usage, std::uint64_t grown) {
    if (error.code != Code::over_quota && error.code != Code::no_space) return error;
    const auto subject = subject_of(error);
    if (inodes_left(usage) == std::uint64_t{0}) return no_more_files(usage, subject);
    if (error.code == Code::no_space && !was_the_labs_limit(usage, grown))
        return disk_is_full(usage, subject);
    if (was_too_many_files(usage, grown))
        return {Code::over_quota,
                fmt::format("{}the lab would have more files than it may: {} are there", subject,
                            inode_words(usage)),
                remedy_lab};
    auto words = subject + "the lab's limit is reached";
    if (grown > 0) words += fmt::format(" after {} more, which were taken back", format_bytes(grown));
    return lab_is_full(usage, std::move(words));
}

std::string warning(const Usage& usage) {
    std::string text;
    const int percent = percent_used(usage), files = percent_of_files(usage);
    if (percent >= 80)
        text = fmt::format("{} {} % of its room are used, {} are left.", tone_of(percent), percent,
                           format_bytes(*bytes_left(usage)));
    if (files >= 80)
        text += fmt::format("{} {} % of its {} files and directories are there, {} are left.", tone_of(files),
                            files, usage.limit_inodes, *inodes_left(usage));
    return text;
}

std::vector<std::string> usage_lines(const Usage& usage) {
    std::vector<std::string> lines;
    if (usage.limit_bytes == 0 && usage.limit_inodes == 0) {
        lines.emplace_back("The lab has no limit of its own");
    } else {
        lines.push_back(
            fmt::format("Limit: {}", usage.limit_bytes ? exact(usage.limit_bytes) : "no limit of bytes"));
        lines.push_back(fmt::format("Used:  {}", exact(usage.used_bytes)));
        if (const auto room = bytes_left(usage))
            lines.push_back(fmt::format("Left:  {}, {} % are used", exact(room), percent_used(usage)));
        if (usage.limit_inodes > 0)
            lines.push_back(
                usage.used_inodes
                    ? fmt::format("Files: {}, {} are left", inode_words(usage), *inodes_left(usage))
                    : fmt::format("Files: {} at most, which this filesystem does not count",
                                  usage.limit_inodes));
        lines.emplace_back(who_counts(usage));
    }
    if (usage.disk_free_bytes)
        lines.push_back(fmt::format("The whole storage has {} free", format_bytes(*usage.disk_free_bytes)));
    return lines;
}

}  // namespace stowage::ftps
