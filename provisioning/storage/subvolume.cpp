// Subvolumes and their mounts.
// Runs in: root_step.
#include "provisioning/storage/subvolume.hpp"

#include <btrfsutil.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/base/atomic_file.hpp"
#include "provisioning/storage/beneath.hpp"

namespace stowage::storage {

namespace {

Error btrfs_error(enum btrfs_util_error error, const std::string& what) {
    return errno ? system_error(errno, what) : Error{Code::io, what + ": " + btrfs_util_strerror(error)};
}

/// The device of a mount point, from /proc/self/mountinfo (proc(5)): the field behind " - btrfs ".
Result<std::string> device_of(const std::string& mount_point_of) {
    struct stat wanted {};
    if (::stat(mount_point_of.c_str(), &wanted) != 0) return system_error(errno, "stat " + mount_point_of);
    TRY(auto text, read_file("/proc/self/mountinfo", 16 << 20));
    // btrfs gives each subvolume a device number of its own in stat(2); the mount's own is in statx.
    struct statx info {};
    if (::statx(AT_FDCWD, mount_point_of.c_str(), 0, STATX_MNT_ID, &info) != 0)
        return system_error(errno, "statx " + mount_point_of);
    const auto key = fmt::format("{} ", info.stx_mnt_id);
    std::size_t line = 0;
    while (line < text.size()) {
        const auto end = text.find('\n', line);
        const auto row = text.substr(line, end - line);
        const auto type = row.find(" - btrfs ");
        if (row.starts_with(key) && type != std::string::npos) {
            const auto start = type + 9;
            return row.substr(start, row.find(' ', start) - start);
        }
        if (end == std::string::npos) break;
        line = end + 1;
    }
    return Error{Code::io, mount_point_of + " is in no btrfs mount that /proc/self/mountinfo shows"};
}

}  // namespace

bool is_btrfs(const Fd& fd) {
    struct statfs info {};
    return ::fstatfs(fd.get(), &info) == 0 && info.f_type == BTRFS_SUPER_MAGIC;
}

bool is_subvolume(const Fd& fd) {
    return is_btrfs(fd) && btrfs_util_is_subvolume_fd(fd.get()) == BTRFS_UTIL_OK;
}

Result<void> make_subvolume(const Fd& root, const std::string& name) {
    errno = 0;
    const auto made = btrfs_util_create_subvolume_fd(root.get(), name.c_str(), 0, nullptr, nullptr);
    if (made != BTRFS_UTIL_OK) return btrfs_error(made, "create subvolume " + name);
    return {};
}

Result<std::uint64_t> subvolume_id(const Fd& fd) {
    std::uint64_t id = 0;
    errno = 0;
    const auto found = btrfs_util_subvolume_id_fd(fd.get(), &id);
    if (found != BTRFS_UTIL_OK) return btrfs_error(found, "read the subvolume's id");
    return id;
}

Result<bool> is_mount_root(const Fd& root, const std::string& name) {
    struct statx info {};
    if (::statx(root.get(), name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &info) != 0)
        return system_error(errno, "statx " + name);
    return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Result<void> mount_subvolume(const std::string& root_path, const Fd& root, const std::string& name) {
    TRY(const bool mounted, is_mount_root(root, name));
    if (mounted) return {};
    TRY(const auto directory, open_beneath(root, name, O_RDONLY | O_DIRECTORY));
    TRY(const auto id, subvolume_id(directory));
    TRY(const auto device, device_of(root_path));
    const auto options = fmt::format("subvolid={}", id);
    if (::mount(device.c_str(), path_of(directory).c_str(), "btrfs", MS_NOSUID | MS_NODEV, options.c_str()) !=
        0)
        return system_error(errno, fmt::format("mount {} of {} on {}/{}", options, device, root_path, name));
    return {};
}

Result<void> unmount(const std::string& root_path, const Fd& root, const std::string& name) {
    for (;;) {
        auto mounted = is_mount_root(root, name);
        if (!mounted && mounted.error().code == Code::not_found) return {};
        if (!mounted) return mounted.error();
        if (!*mounted) return {};
        const auto path = root_path + "/" + name;
        if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
            return system_error(errno, "unmount " + path);
    }
}

Result<void> delete_subvolume(const Fd& directory, const std::string& name) {
    std::uint64_t id = 0;
    if (const auto fd = open_beneath(directory, name, O_RDONLY | O_DIRECTORY)) {
        if (const auto found = subvolume_id(*fd)) id = *found;
    }
    errno = 0;
    const auto deleted =
        btrfs_util_delete_subvolume_fd(directory.get(), name.c_str(), BTRFS_UTIL_DELETE_SUBVOLUME_RECURSIVE);
    if (deleted != BTRFS_UTIL_OK) return btrfs_error(deleted, "delete subvolume " + name);
    // Best effort: newer kernels drop it themselves, and an orphaned qgroup counts nothing.
    btrfs_ioctl_qgroup_create_args qgroup{};
    qgroup.qgroupid = id;
    if (id) (void)::ioctl(directory.get(), BTRFS_IOC_QGROUP_CREATE, &qgroup);
    return {};
}

}  // namespace stowage::storage
