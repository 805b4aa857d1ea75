// What the filesystem below labs.root can do about quotas, and the words for it.
// Runs in: root_step.
#pragma once

#include <optional>
#include <string>

#include "provisioning/storage/mounts.hpp"

namespace stowage::storage {

/// What an ext4 superblock says.
struct Ext4Features {
    bool projects = false, quotas = false;
    bool wide_inodes = true;  ///< 256 bytes or more: an older one has no room for a project id
};

/// Of the superblock as it lies on disk, from its first byte; nothing when it is none of ext4.
std::optional<Ext4Features> parse_ext4_superblock(std::string_view bytes);

/// What of this machine the commands depend on.
struct Surroundings {
    std::string fstab;            ///< as it stands in /etc/fstab: its line's options are kept
    std::string uuid;             ///< of the filesystem; empty: not known
    bool has_kernel_nfsd = true;  ///< it runs, and holds each filesystem that it exports
};

/// The commands after which XFS counts projects.
std::string switch_on_xfs(const Mount& mount, const Surroundings& around);
/// The same for ext4. @param features nothing: they could not be read
std::string switch_on_ext4(const Mount& mount, const std::optional<Ext4Features>& features,
                           const Surroundings& around);

}  // namespace stowage::storage
