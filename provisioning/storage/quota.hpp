// A lab's quota, whatever enforces it.
// Runs in: root_step, as root. Blocking.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/config.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/messages/basics.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

using message::QuotaBackend;

struct QuotaChosen {
    QuotaBackend backend = QuotaBackend::none;
    std::string why;          ///< for logs and status
    std::string remedy = {};  ///< of `none`: how to have quotas enforced
};

/// Hard limits, without grace; 0 is "no limit".
struct QuotaLimits {
    std::uint64_t bytes = 0, inodes = 0;
    std::uint32_t project = 0;  ///< for XFS and ext4: the lab's, never 0
};

/// Limits of 0 are "no limit". What a backend cannot know is 0: usage with `none` (statfs would tell that of
/// the whole filesystem, a walk would take hours), inodes with btrfs (it counts none per subvolume).
struct QuotaState {
    std::uint64_t limit_bytes = 0, limit_inodes = 0;
    std::uint64_t used_bytes = 0, used_inodes = 0;
    std::uint32_t project = 0;   ///< what the directory hands down; 0: none
    bool project_whole = false;  ///< and all that is in it has it
};

/// The backend for labs below `root`. `auto` looks at the filesystem and at whether quotas are on; where they
/// are not it chooses `none` and says how to switch them on. Asking by name for what is not there is
/// Code::unsupported, with the same remedy.
Result<QuotaChosen> choose_quota(const Fd& root, QuotaChoice choice);

/// The backend that can count for one lab: `chosen`, or `none` where the lab's directory cannot have it
/// (btrfs: a plain directory, for example out of a backup, in place of a subvolume; any: another filesystem
/// is mounted there).
QuotaBackend backend_of(QuotaBackend chosen, const Fd& lab_directory);

/// Sets hard limits on the lab's directory. With `none` nothing enforces them, which is not an error; btrfs
/// cannot limit inodes, so they are not enforced there. On XFS and ext4 the tree is then put into its
/// project, which takes as long as reading it; if that fails the limits hold for what is in it. Done twice it
/// is done once. Code::unsupported for a directory that cannot have a quota.
Result<void> set_quota(QuotaBackend backend, const Fd& lab_directory, const QuotaLimits& limits);

/// Limits and usage. btrfs counts usage once per transaction, so it is up to 30 s old (mount option commit=;
/// what is enforced is never behind), CephFS some seconds; XFS and ext4 are exact. Nothing here forces a
/// transaction: that would flush the whole filesystem for each lab that is looked at. While btrfs calls its
/// counters inconsistent the usage may be wrong; this starts a recount, logs it and does not wait for its
/// end.
/// @param project of XFS and ext4; 0: that which the directory hands down
Result<QuotaState> read_quota(QuotaBackend backend, const Fd& lab_directory, std::uint32_t project = 0);

/// A project id that nobody uses, for a lab that has none yet: neither limits nor files on this filesystem,
/// nor a name in /etc/projid or /etc/projects. @param stride from one candidate to the next
Result<std::uint32_t> offer_project(QuotaBackend backend, const Fd& root, std::uint32_t uid,
                                    std::uint32_t stride);

/// After the lab's files are gone: takes its limits away, so that nobody else inherits them. Done twice it is
/// done once.
Result<void> forget_quota(QuotaBackend backend, const Fd& root, std::uint32_t project);

constexpr bool counts_by_project(QuotaBackend backend) {
    return backend == QuotaBackend::xfs || backend == QuotaBackend::ext4;
}

/// btrfs: qgroups (btrfs-quota(8)). Usage is `referenced`, the limit max_rfer of the subvolume's level-0
/// qgroup. Where quotas are off they are switched on as full qgroups, which any kernel can mount and which
/// count what is there already; where the administrator has switched simple quotas on, these are used.
Result<void> set_btrfs_quota(const Fd& subvolume, std::uint64_t bytes);
Result<QuotaState> read_btrfs_quota(const Fd& subvolume);
/// True if the btrfs below `root` has simple quotas on (Linux 6.7): an extent counts for the subvolume that
/// wrote it. False while quotas are off.
Result<bool> has_simple_quotas(const Fd& root);

/// XFS and ext4: quotactl(2) on the project. True if it is on, and enforced.
bool enforces_projects(const Fd& fd);
Result<void> set_project_quota(QuotaBackend backend, const Fd& fd, const QuotaLimits& limits);
Result<QuotaState> read_project_quota(QuotaBackend backend, const Fd& lab_directory, std::uint32_t project);

/// CephFS: ceph.quota.max_bytes and ceph.quota.max_files of the directory; the kernel's client and ceph-fuse.
bool is_cephfs(const Fd& fd);
Result<void> set_cephfs_quota(const Fd& directory, std::uint64_t bytes, std::uint64_t inodes);
Result<QuotaState> read_cephfs_quota(const Fd& directory);

}  // namespace stowage::storage
