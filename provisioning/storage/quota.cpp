// Choosing and calling the quota backend.
// Runs in: root_step.
#include "provisioning/storage/quota.hpp"

#include <linux/magic.h>
#include <sys/statfs.h>

#include <cerrno>

#include "provisioning/storage/subvolume.hpp"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef CEPH_SUPER_MAGIC
#define CEPH_SUPER_MAGIC 0x00c36400
#endif

namespace stowage::storage {

namespace {

std::string filesystem_name(const Fd& root) {
    struct statfs info {};
    if (::fstatfs(root.get(), &info) != 0) return "an unknown filesystem";
    switch (info.f_type) {
        case BTRFS_SUPER_MAGIC:
            return "btrfs";
        case XFS_SUPER_MAGIC:
            return "XFS";
        case EXT4_SUPER_MAGIC:
            return "ext4";
        case CEPH_SUPER_MAGIC:
            return "CephFS";
        case TMPFS_MAGIC:
            return "tmpfs";
        default:
            return "this filesystem";
    }
}

}  // namespace

Result<QuotaChosen> choose_quota(const Fd& root, QuotaChoice choice) {
    if (choice == QuotaChoice::none) return QuotaChosen{QuotaBackend::none, "labs.quota_backend says so"};
    const auto name = filesystem_name(root);
    const bool btrfs = is_btrfs(root);
    if (btrfs && (choice == QuotaChoice::automatic || choice == QuotaChoice::btrfs))
        return QuotaChosen{QuotaBackend::btrfs, "labs.root is on btrfs"};
    if (choice == QuotaChoice::automatic)
        return QuotaChosen{QuotaBackend::none,
                           "labs.root is on " + name + ", for which this version has no quota backend"};
    if (choice == QuotaChoice::btrfs)
        return Error{Code::unsupported, "labs.quota_backend is btrfs, but labs.root is on " + name,
                     "set it to auto or none"};
    return Error{Code::unsupported, "labs.quota_backend names a backend that this version does not have",
                 "put the labs on btrfs, or set labs.quota_backend to none"};
}

QuotaBackend backend_of(QuotaBackend chosen, const Fd& lab_directory) {
    const bool possible = chosen != QuotaBackend::btrfs || is_subvolume(lab_directory);
    return possible ? chosen : QuotaBackend::none;
}

Result<void> set_quota(QuotaBackend backend, const Fd& lab_directory, std::uint64_t bytes, std::uint64_t) {
    if (backend != QuotaBackend::btrfs) return {};
    if (!is_subvolume(lab_directory))
        return Error{Code::unsupported,
                     "the lab's directory is not a btrfs subvolume: it cannot have a quota",
                     "move it away, run `stowage apply`, and copy its files back (cp -a --reflink=auto)"};
    return set_btrfs_quota(lab_directory, bytes);
}

Result<QuotaState> read_quota(QuotaBackend backend, const Fd& lab_directory) {
    if (backend == QuotaBackend::btrfs) return read_btrfs_quota(lab_directory);
    return QuotaState{};
}

}  // namespace stowage::storage
