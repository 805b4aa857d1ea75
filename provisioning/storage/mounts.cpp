// Reading mountinfo.
// Runs in: root_step.
#include "provisioning/storage/mounts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/octal_escapes.hpp"
#include "provisioning/storage/beneath.hpp"

namespace stowage::storage {

namespace {

/// The next word, taken off the front of `line`.
std::string_view take_word(std::string_view& line) {
    const auto end = std::min(line.find(' '), line.size());
    const auto word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

/// "36 35 98:0 /root /point options [tags…] - type source options"
bool parse_line(std::string_view line, Mount& mount) {
    const auto separator = line.find(" - ");
    if (separator == std::string_view::npos) return false;
    auto tail = line.substr(separator + 3);
    const auto id = take_word(line);
    if (std::from_chars(id.data(), id.data() + id.size(), mount.id).ec != std::errc{}) return false;
    take_word(line);  // the parent's id
    mount.device = take_word(line);
    mount.root = without_octal_escapes(take_word(line));
    mount.point = without_octal_escapes(take_word(line));
    mount.type = take_word(tail);
    mount.source = without_octal_escapes(take_word(tail));
    return !mount.point.empty();
}

bool is_at_or_below(const std::string& path, const std::string& base) {
    return path == base || (base == "/" && path.starts_with('/')) || path.starts_with(base + "/");
}

std::string joined(const std::string& directory, const std::string& rest) {
    return directory == "/" ? "/" + rest : directory + "/" + rest;
}

/// The lab's directory as its filesystem names it.
std::string lab_in_filesystem(const Mount& labs_root, const std::string& root_path, const std::string& lab) {
    std::string below;
    if (root_path != labs_root.point)
        below = root_path.substr(labs_root.point == "/" ? 1 : labs_root.point.size() + 1);
    return joined(below.empty() ? labs_root.root : joined(labs_root.root, below), lab);
}

/// labs.root without symbolic links.
Result<std::string> real_path(const Fd& root) {
    std::error_code failed;
    auto path = std::filesystem::read_symlink(path_of(root), failed).string();
    if (failed) return system_error(failed.value(), "readlink " + path_of(root));
    return path;
}

}  // namespace

std::vector<Mount> parse_mountinfo(std::string_view text) {
    std::vector<Mount> mounts;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (Mount mount; parse_line(text.substr(0, end), mount)) mounts.push_back(std::move(mount));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return mounts;
}

Result<std::vector<Mount>> read_mounts() {
    TRY(const auto text, read_file("/proc/self/mountinfo", 64 << 20));
    return parse_mountinfo(text);
}

Result<Mount> mount_of(const Fd& fd, const std::vector<Mount>& mounts) {
    struct statx info {};
    if (::statx(fd.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &info) != 0) return system_error(errno, "statx");
    if (!(info.stx_mask & STATX_MNT_ID))
        return Error{Code::unsupported, "this kernel does not tell mounts (statx)", "use Linux 5.8 or newer"};
    for (const auto& mount : mounts)
        if (mount.id == info.stx_mnt_id) return mount;
    return Error{Code::io, "/proc/self/mountinfo does not show the mount of " + path_of(fd)};
}

std::vector<std::string> other_mounts(const std::vector<Mount>& mounts, const Mount& labs_root,
                                      const std::string& root_path, const std::string& lab) {
    const auto lab_path = joined(root_path, lab);
    const auto lab_root = lab_in_filesystem(labs_root, root_path, lab);
    std::vector<std::string> found;
    for (const auto& mount : mounts) {
        const bool shows_lab = mount.device == labs_root.device && is_at_or_below(mount.root, lab_root);
        const bool on_lab = mount.point == lab_path;
        if (on_lab ? !shows_lab : (shows_lab || is_at_or_below(mount.point, lab_path)))
            found.push_back(mount.point);
    }
    return found;
}

Result<bool> shows_lab_itself(const Fd& root, const std::string& lab) {
    TRY(const auto directory, open_beneath(root, lab, O_PATH | O_DIRECTORY));
    TRY(const auto mounts, read_mounts());
    TRY(const auto labs_root, mount_of(root, mounts));
    TRY(const auto top, mount_of(directory, mounts));
    TRY(const auto root_path, real_path(root));
    return top.device == labs_root.device &&
           is_at_or_below(top.root, lab_in_filesystem(labs_root, root_path, lab));
}

Result<void> check_no_other_mounts(const Fd& root, const std::string& lab) {
    TRY(const auto mounts, read_mounts());
    TRY(const auto labs_root, mount_of(root, mounts));
    TRY(const auto root_path, real_path(root));
    const auto others = other_mounts(mounts, labs_root, root_path, lab);
    if (others.empty()) return {};
    std::string points;
    for (const auto& point : others)
        points += (points.empty() ? "" : ", ") + log::escaped(point);
    return Error{Code::in_use, fmt::format("lab {} is in use by a mount on {}", lab, points), "unmount it"};
}

}  // namespace stowage::storage
