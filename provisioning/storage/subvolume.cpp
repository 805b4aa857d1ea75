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
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/base/mount_root.hpp"
#include "provisioning/storage/beneath.hpp"
#include "provisioning/storage/mounts.hpp"

namespace stowage::storage {

namespace {

Error btrfs_error(enum btrfs_util_error error, const std::string& what) {
    return errno ? system_error(errno, what) : Error{Code::io, what + ": " + btrfs_util_strerror(error)};
}

constexpr auto wanted_flags = ST_NOSUID | ST_NODEV;

/// Gives a mount that somebody else made (fstab) the flags that ours has; its other flags stay.
Result<void> forbid_setuid_and_devices(const Fd& mounted, const std::string& path) {
    struct statvfs info {};
    if (::fstatvfs(mounted.get(), &info) != 0) return system_error(errno, "statvfs " + path);
    if ((info.f_flag & wanted_flags) == wanted_flags) return {};
    mount_attr change{};
    change.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (::mount_setattr(mounted.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0)
        return system_error(errno, "set nosuid and nodev on " + path);
    return {};
}

Result<void> mount_on_itself(const Fd& root, const Fd& subvolume, const std::string& path) {
    TRY(const auto id, subvolume_id(subvolume));
    TRY(const auto mounts, read_mounts());
    TRY(const auto labs_root, mount_of(root, mounts));
    const auto options = fmt::format("subvolid={}", id);
    if (::mount(labs_root.source.c_str(), path_of(subvolume).c_str(), "btrfs", MS_NOSUID | MS_NODEV,
                options.c_str()) != 0)
        return system_error(errno, fmt::format("mount {} of {} on {}", options, labs_root.source, path));
    return {};
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
    return stowage::is_mount_root(root.get(), name);
}

Result<bool> is_mounted_safely(const Fd& root, const std::string& name) {
    TRY(const bool mounted, is_mount_root(root, name));
    if (!mounted) return false;
    TRY(const auto directory, open_beneath(root, name, O_RDONLY | O_DIRECTORY));
    struct statvfs info {};
    if (::fstatvfs(directory.get(), &info) != 0) return system_error(errno, "statvfs " + name);
    return (info.f_flag & wanted_flags) == wanted_flags;
}

Result<void> mount_subvolume(const std::string& root_path, const Fd& root, const std::string& name) {
    const auto path = root_path + "/" + name;
    TRY(const bool mounted, is_mount_root(root, name));
    if (!mounted) {
        TRY(const auto subvolume, open_beneath(root, name, O_RDONLY | O_DIRECTORY));
        CHECK(mount_on_itself(root, subvolume, path));
    }
    TRY(const auto on_top, open_beneath(root, name, O_RDONLY | O_DIRECTORY));
    return forbid_setuid_and_devices(on_top, path);
}

Result<void> unmount(const std::string& root_path, const Fd& root, const std::string& name) {
    const auto path = root_path + "/" + name;
    for (;;) {
        const auto mounted = is_mount_root(root, name);
        if (!mounted && mounted.error().code == Code::not_found) return {};
        if (!mounted) return mounted.error();
        if (!*mounted) return {};
        TRY(const bool own, shows_lab_itself(root, name));
        if (!own) return {};
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
    // Best effort: newer kernels drop it themselves (and refuse this), and an orphaned qgroup counts nothing.
    btrfs_ioctl_qgroup_create_args qgroup{};
    qgroup.qgroupid = id;
    if (id) (void)::ioctl(directory.get(), BTRFS_IOC_QGROUP_CREATE, &qgroup);
    return {};
}

}  // namespace stowage::storage
