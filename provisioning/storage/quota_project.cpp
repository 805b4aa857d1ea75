// Quotas by projects: XFS with its own calls, ext4 with the generic ones.
// Runs in: root_step.
#include <linux/dqblk_xfs.h>
#include <linux/quota.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/base/atomic_file.hpp"
#include "provisioning/storage/project.hpp"
#include "provisioning/storage/quota.hpp"

namespace stowage::storage {

namespace {

constexpr std::uint64_t xfs_block = 512, generic_block = QIF_DQBLKSIZE;

std::uint64_t blocks(std::uint64_t bytes, std::uint64_t block) {
    return bytes / block + (bytes % block != 0);
}

/// quotactl_fd(2): no device to be found, and no other filesystem mounted over it to be hit.
int call(const Fd& fd, unsigned command, std::uint32_t id, void* data) {
    return static_cast<int>(::syscall(SYS_quotactl_fd, fd.get(), QCMD(command, PRJQUOTA), id, data));
}

Result<void> set_xfs(const Fd& fd, std::uint32_t id, std::uint64_t bytes, std::uint64_t inodes) {
    fs_disk_quota limits{};
    limits.d_version = FS_DQUOT_VERSION;
    limits.d_flags = FS_PROJ_QUOTA;
    limits.d_id = id;
    limits.d_fieldmask = FS_DQ_BSOFT | FS_DQ_BHARD | FS_DQ_ISOFT | FS_DQ_IHARD;
    limits.d_blk_hardlimit = blocks(bytes, xfs_block);
    limits.d_ino_hardlimit = inodes;
    if (call(fd, Q_XSETQLIM, id, &limits) != 0) return system_error(errno, "set the XFS project quota");
    return {};
}

Result<QuotaState> read_xfs(const Fd& fd, std::uint32_t id) {
    fs_disk_quota seen{};
    if (call(fd, Q_XGETQUOTA, id, &seen) != 0) {
        if (errno == ENOENT) return QuotaState{};
        return system_error(errno, "read the XFS project quota");
    }
    return QuotaState{seen.d_blk_hardlimit * xfs_block, seen.d_ino_hardlimit, seen.d_bcount * xfs_block,
                      seen.d_icount};
}

Result<void> set_ext4(const Fd& fd, std::uint32_t id, std::uint64_t bytes, std::uint64_t inodes) {
    if_dqblk limits{};
    limits.dqb_valid = QIF_LIMITS;
    limits.dqb_bhardlimit = blocks(bytes, generic_block);
    limits.dqb_ihardlimit = inodes;
    if (call(fd, Q_SETQUOTA, id, &limits) != 0) return system_error(errno, "set the ext4 project quota");
    return {};
}

Result<QuotaState> read_ext4(const Fd& fd, std::uint32_t id) {
    if_dqblk seen{};
    if (call(fd, Q_GETQUOTA, id, &seen) != 0) {
        if (errno == ENOENT) return QuotaState{};
        return system_error(errno, "read the ext4 project quota");
    }
    return QuotaState{seen.dqb_bhardlimit * generic_block, seen.dqb_ihardlimit, seen.dqb_curspace,
                      seen.dqb_curinodes};
}

Result<QuotaState> read_one(QuotaBackend backend, const Fd& fd, std::uint32_t id) {
    return backend == QuotaBackend::xfs ? read_xfs(fd, id) : read_ext4(fd, id);
}

/// Empty when it is not there.
std::string text_of(const char* path) {
    const auto text = read_file(path, 64 << 20);
    return text ? *text : std::string();
}

}  // namespace

bool enforces_projects(const Fd& fd) {
    fs_quota_statv state{};
    state.qs_version = FS_QSTATV_VERSION1;
    // ext4 answers this one as well.
    if (call(fd, Q_XGETQSTATV, 0, &state) != 0) return false;
    constexpr int wanted = FS_QUOTA_PDQ_ACCT | FS_QUOTA_PDQ_ENFD;
    return (state.qs_flags & wanted) == wanted;
}

Result<void> set_project_quota(QuotaBackend backend, const Fd& fd, const QuotaLimits& limits) {
    if (limits.project == 0) return Error{Code::internal, "a project quota without a project"};
    return backend == QuotaBackend::xfs ? set_xfs(fd, limits.project, limits.bytes, limits.inodes)
                                        : set_ext4(fd, limits.project, limits.bytes, limits.inodes);
}

Result<QuotaState> read_project_quota(QuotaBackend backend, const Fd& lab_directory, std::uint32_t project) {
    TRY(const auto own, read_project(lab_directory));
    const auto id = project ? project : own.id;
    QuotaState state;
    if (id) {
        TRY(state, read_one(backend, lab_directory, id));
    }
    state.project = own.id;
    state.project_whole = own.whole;
    return state;
}

Result<std::uint32_t> offer_project(QuotaBackend backend, const Fd& root, std::uint32_t uid,
                                    std::uint32_t stride) {
    const auto named = named_projects(text_of("/etc/projid"), text_of("/etc/projects"));
    return free_project(uid, stride, [&](std::uint32_t id) -> Result<bool> {
        if (named.contains(id)) return true;
        TRY(const auto seen, read_one(backend, root, id));
        return seen.limit_bytes || seen.limit_inodes || seen.used_bytes || seen.used_inodes;
    });
}

}  // namespace stowage::storage
