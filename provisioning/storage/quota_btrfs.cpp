// Quotas by btrfs qgroups.
// Runs in: root_step.
#include <endian.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "gateway/base/log.hpp"
#include "provisioning/storage/quota.hpp"
#include "provisioning/storage/subvolume.hpp"

namespace stowage::storage {

namespace {

// Of the kernel's headers since 6.7; Debian 12's are older.
constexpr std::uint64_t status_flag_simple_mode = 1ULL << 3;

/// One item of the quota tree, as its bytes on disk: of a level-0 qgroup, or with 0 of the whole; nothing
/// when it is not there. The tree itself is missing while quotas are off, which the kernel tells as ENOENT.
template <typename Item>
Result<std::optional<Item>> find_item(const Fd& subvolume, std::uint32_t type, std::uint64_t qgroup) {
    btrfs_ioctl_search_args search{};
    search.key.tree_id = BTRFS_QUOTA_TREE_OBJECTID;
    search.key.min_objectid = search.key.max_objectid = 0;
    search.key.min_type = search.key.max_type = type;
    search.key.min_offset = search.key.max_offset = qgroup;
    search.key.max_transid = UINT64_MAX;
    search.key.nr_items = 1;
    if (::ioctl(subvolume.get(), BTRFS_IOC_TREE_SEARCH, &search) != 0) {
        if (errno == ENOENT) return std::optional<Item>();
        return system_error(errno, "read the btrfs quota tree");
    }
    btrfs_ioctl_search_header header{};
    if (search.key.nr_items == 0) return std::optional<Item>();
    std::memcpy(&header, search.buf, sizeof header);
    if (header.type != type || header.offset != qgroup || header.len < sizeof(Item))
        return std::optional<Item>();
    Item item{};
    std::memcpy(&item, search.buf + sizeof header, sizeof item);
    return std::optional<Item>(item);
}

Result<void> switch_quota_on(const Fd& subvolume) {
    btrfs_ioctl_quota_ctl_args control{};
    control.cmd = BTRFS_QUOTA_CTL_ENABLE;
    if (::ioctl(subvolume.get(), BTRFS_IOC_QUOTA_CTL, &control) != 0 && errno != EEXIST)
        return system_error(errno, "switch btrfs quotas on");
    // Enabling counts what is there already; until that is done a limit would be held against wrong numbers.
    if (::ioctl(subvolume.get(), BTRFS_IOC_QUOTA_RESCAN_WAIT) != 0 && errno != EINPROGRESS)
        return system_error(errno, "wait for the btrfs quota scan");
    return {};
}

/// btrfs gives up counting when a large tree that snapshots share goes at once (drop_subtree_threshold), and
/// enforces less until somebody has it count again.
Result<void> recount_if_inconsistent(const Fd& subvolume) {
    TRY(const auto status, find_item<btrfs_qgroup_status_item>(subvolume, BTRFS_QGROUP_STATUS_KEY, 0));
    if (!status) return {};
    const auto flags = le64toh(status->flags);
    if (!(flags & BTRFS_QGROUP_STATUS_FLAG_INCONSISTENT) || (flags & BTRFS_QGROUP_STATUS_FLAG_RESCAN))
        return {};
    btrfs_ioctl_quota_rescan_args recount{};
    if (::ioctl(subvolume.get(), BTRFS_IOC_QUOTA_RESCAN, &recount) != 0 && errno != EINPROGRESS)
        return system_error(errno, "have btrfs count quotas again");
    log::notice("quota_recount", {{"why", "btrfs calls its counters inconsistent"}});
    return {};
}

/// 0: no limit.
Result<std::uint64_t> limit_of(const Fd& subvolume, std::uint64_t id) {
    TRY(const auto limit, find_item<btrfs_qgroup_limit_item>(subvolume, BTRFS_QGROUP_LIMIT_KEY, id));
    if (!limit || !(le64toh(limit->flags) & BTRFS_QGROUP_LIMIT_MAX_RFER)) return std::uint64_t{0};
    const auto bytes = le64toh(limit->max_rfer);
    return bytes == UINT64_MAX ? 0 : bytes;
}

bool are_of_one_filesystem(const Fd& one, const Fd& other) {
    btrfs_ioctl_fs_info_args ones{}, others{};
    return ::ioctl(one.get(), BTRFS_IOC_FS_INFO, &ones) == 0 &&
           ::ioctl(other.get(), BTRFS_IOC_FS_INFO, &others) == 0 &&
           std::memcmp(ones.fsid, others.fsid, sizeof ones.fsid) == 0;
}

/// The kernel takes the room for a new limit from the quota of the subvolume that it is asked through, and a
/// lab over its limit has none: it is asked through the directory above, where that is of the same
/// filesystem.
Result<void> set_limit(const Fd& subvolume, btrfs_ioctl_qgroup_limit_args& limit) {
    const Fd above(::openat(subvolume.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto& asked = above && are_of_one_filesystem(above, subvolume) ? above : subvolume;
    if (::ioctl(asked.get(), BTRFS_IOC_QGROUP_LIMIT, &limit) != 0)
        return system_error(errno, "set the btrfs quota");
    return {};
}

}  // namespace

Result<bool> has_simple_quotas(const Fd& root) {
    TRY(const auto status, find_item<btrfs_qgroup_status_item>(root, BTRFS_QGROUP_STATUS_KEY, 0));
    return status && (le64toh(status->flags) & status_flag_simple_mode) != 0;
}

Result<void> set_btrfs_quota(const Fd& subvolume, std::uint64_t bytes) {
    TRY(const auto id, subvolume_id(subvolume));
    TRY(const auto counted, find_item<btrfs_qgroup_info_item>(subvolume, BTRFS_QGROUP_INFO_KEY, id));
    if (!counted) CHECK(switch_quota_on(subvolume));
    btrfs_ioctl_qgroup_limit_args limit{};
    limit.qgroupid = id;
    limit.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    // All bits set clears the limit (btrfs-qgroup(8), "none").
    limit.lim.max_rfer = bytes ? bytes : UINT64_MAX;
    return set_limit(subvolume, limit);
}

Result<QuotaState> read_btrfs_quota(const Fd& subvolume) {
    TRY(const auto id, subvolume_id(subvolume));
    CHECK(recount_if_inconsistent(subvolume));
    QuotaState state;
    TRY(const auto counted, find_item<btrfs_qgroup_info_item>(subvolume, BTRFS_QGROUP_INFO_KEY, id));
    if (counted) state.used_bytes = le64toh(counted->rfer);
    TRY(state.limit_bytes, limit_of(subvolume, id));
    return state;
}

}  // namespace stowage::storage
