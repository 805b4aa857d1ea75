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

/// The commands after which XFS counts projects.
std::string switch_on_xfs(const Mount& mount);
/// The same for ext4. @param features nothing: they could not be read
std::string switch_on_ext4(const Mount& mount, const std::optional<Ext4Features>& features);

}  // namespace stowage::storage
