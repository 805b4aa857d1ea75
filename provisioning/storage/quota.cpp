// Calling the quota backend.
// Runs in: root_step.
#include "provisioning/storage/quota.hpp"

#include "provisioning/storage/project.hpp"
#include "provisioning/storage/subvolume.hpp"

namespace stowage::storage {

namespace {

/// The limit first: marking the tree may take hours or fail, and what is marked counts.
Result<void> set_limit_and_project(QuotaBackend backend, const Fd& lab_directory, const QuotaLimits& limits) {
    CHECK(set_project_quota(backend, lab_directory, limits));
    auto put = put_project(lab_directory, limits.project);
    if (put || put.error().code != Code::over_quota) return put;
    // Without CAP_SYS_RESOURCE ext4 moves nothing into a project that is full.
    CHECK(set_project_quota(backend, lab_directory, {0, 0, limits.project}));
    put = put_project(lab_directory, limits.project);
    CHECK(set_project_quota(backend, lab_directory, limits));
    return put;
}

}  // namespace

QuotaBackend backend_of(QuotaBackend chosen, const Fd& lab_directory) {
    bool possible = true;
    if (chosen == QuotaBackend::btrfs) possible = is_subvolume(lab_directory);
    if (counts_by_project(chosen)) possible = enforces_projects(lab_directory);
    if (chosen == QuotaBackend::cephfs) possible = is_cephfs(lab_directory);
    return possible ? chosen : QuotaBackend::none;
}

Result<void> set_quota(QuotaBackend backend, const Fd& lab_directory, const QuotaLimits& limits) {
    switch (backend) {
        case QuotaBackend::btrfs:
            if (!is_subvolume(lab_directory))
                return Error{
                    Code::unsupported, "the lab's directory is not a btrfs subvolume: it cannot have a quota",
                    "move it away, run `stowage apply`, and copy its files back (cp -a --reflink=auto)"};
            return set_btrfs_quota(lab_directory, limits.bytes);
        case QuotaBackend::xfs:
        case QuotaBackend::ext4:
            return set_limit_and_project(backend, lab_directory, limits);
        case QuotaBackend::cephfs:
            return set_cephfs_quota(lab_directory, limits.bytes, limits.inodes);
        case QuotaBackend::none:
            break;
    }
    return {};
}

Result<QuotaState> read_quota(QuotaBackend backend, const Fd& lab_directory, std::uint32_t project) {
    switch (backend) {
        case QuotaBackend::btrfs:
            return read_btrfs_quota(lab_directory);
        case QuotaBackend::xfs:
        case QuotaBackend::ext4:
            return read_project_quota(backend, lab_directory, project);
        case QuotaBackend::cephfs:
            return read_cephfs_quota(lab_directory);
        case QuotaBackend::none:
            break;
    }
    return QuotaState{};
}

Result<void> forget_quota(QuotaBackend backend, const Fd& root, std::uint32_t project) {
    if (!counts_by_project(backend) || project == 0) return {};
    return set_project_quota(backend, root, {0, 0, project});
}

}  // namespace stowage::storage
