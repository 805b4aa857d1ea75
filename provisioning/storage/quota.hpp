// A lab's quota, whatever enforces it.
// Runs in: root_step, as root. Blocking.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/config.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/messages.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

using message::QuotaBackend;

struct QuotaChosen {
    QuotaBackend backend = QuotaBackend::none;
    std::string why;  ///< for logs and status
};

/// Limits of 0 are "no limit". What a backend cannot know is 0: usage with `none` (statfs would tell that of
/// the whole filesystem, a walk would take hours), inodes with btrfs (it counts none per subvolume).
struct QuotaState {
    std::uint64_t limit_bytes = 0, limit_inodes = 0;
    std::uint64_t used_bytes = 0, used_inodes = 0;
};

/// The backend for labs below `root`. `auto` looks at the filesystem. XFS, ext4 and CephFS quotas are not in
/// this version: `auto` says so and chooses `none`, asking for one by name is Code::unsupported.
Result<QuotaChosen> choose_quota(const Fd& root, QuotaChoice choice);

/// The backend that counts for one lab: `chosen`, or `none` where the lab's directory cannot have it (btrfs:
/// a plain directory, for example out of a backup, in place of a subvolume).
QuotaBackend backend_of(QuotaBackend chosen, const Fd& lab_directory);

/// Sets hard limits on the lab's directory. With `none` nothing enforces them, which is not an error; btrfs
/// cannot limit inodes, so `inodes` is not enforced there. Done twice it is done once. Code::unsupported for
/// a directory that cannot have a quota.
Result<void> set_quota(QuotaBackend backend, const Fd& lab_directory, std::uint64_t bytes,
                       std::uint64_t inodes);

/// Limits and usage. btrfs counts usage once per transaction, so it is up to 30 s old (mount option commit=;
/// what is enforced is never behind). Nothing here forces a transaction: that would flush the whole
/// filesystem for each lab that is looked at. While btrfs calls its counters inconsistent the usage may be
/// wrong; this starts a recount, logs it and does not wait for its end.
Result<QuotaState> read_quota(QuotaBackend backend, const Fd& lab_directory);

/// btrfs: qgroups (btrfs-quota(8)). Usage is `referenced`, the limit max_rfer of the subvolume's level-0
/// qgroup.
Result<void> set_btrfs_quota(const Fd& subvolume, std::uint64_t bytes);
Result<QuotaState> read_btrfs_quota(const Fd& subvolume);

}  // namespace stowage::storage
