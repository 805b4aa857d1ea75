// btrfs subvolumes: one per lab, each mounted onto itself.
// Runs in: root_step, as root. Blocking.
#pragma once

#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

/// True if the filesystem below this descriptor is btrfs.
bool is_btrfs(const Fd& fd);
/// True if the descriptor is the top of a btrfs subvolume.
bool is_subvolume(const Fd& fd);

/// Makes the subvolume `name` in `root`; Code::exists when something of that name is there.
Result<void> make_subvolume(const Fd& root, const std::string& name);

/// The subvolume's id, which is also the number of its level-0 qgroup.
Result<std::uint64_t> subvolume_id(const Fd& fd);

/// True if `name` in `root` is the root of a mount (statx(2), STATX_ATTR_MOUNT_ROOT).
Result<bool> is_mount_root(const Fd& root, const std::string& name);

/// True if it is, and the mount forbids setuid programs and devices.
Result<bool> is_mounted_safely(const Fd& root, const std::string& name);

/// Mounts the subvolume `name` of `root` onto itself with nosuid and nodev: NFS-Ganesha finds a subvolume
/// only at a mount point of its own (the files are the same with and without). A mount that is there
/// already is kept, and given these flags if it lacks them.
Result<void> mount_subvolume(const std::string& root_path, const Fd& root, const std::string& name);

/// Takes away the mounts on `root_path/name` that show the lab itself, from the top down to the first that
/// does not: another filesystem there is an administrator's. Lazily: whoever still has it open (a draining
/// worker) goes on and lets go by itself, and nobody new gets in. Not mounted is success.
Result<void> unmount(const std::string& root_path, const Fd& root, const std::string& name);

/// Deletes a subvolume with everything in it, nested subvolumes too, and its qgroup.
Result<void> delete_subvolume(const Fd& directory, const std::string& name);

}  // namespace stowage::storage
