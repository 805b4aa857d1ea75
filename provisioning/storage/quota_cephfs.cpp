// Quotas of CephFS directories: virtual extended attributes, kept by the clients of the filesystem.
// Runs in: root_step.
#include <sys/xattr.h>

#include <cerrno>
#include <charconv>

#include "provisioning/storage/quota.hpp"

namespace stowage::storage {

namespace {

constexpr const char* max_bytes = "ceph.quota.max_bytes";
constexpr const char* max_files = "ceph.quota.max_files";

/// 0 when there is none.
Result<std::uint64_t> number_at(const Fd& directory, const char* name) {
    char text[32];
    const auto got = ::fgetxattr(directory.get(), name, text, sizeof text);
    if (got < 0 && errno == ENODATA) return std::uint64_t{0};
    if (got < 0) return system_error(errno, std::string("read ") + name);
    std::uint64_t number = 0;
    if (std::from_chars(text, text + got, number).ec != std::errc{})
        return Error{Code::io, std::string(name) + " is no number"};
    return number;
}

Result<void> put(const Fd& directory, const char* name, std::uint64_t number) {
    TRY(const auto before, number_at(directory, name));
    if (before == number) return {};
    const auto text = std::to_string(number);
    if (::fsetxattr(directory.get(), name, text.data(), text.size(), 0) == 0) return {};
    auto error = system_error(errno, std::string("set ") + name);
    if (error.code == Code::denied)
        error.remedy =
            "give this node's CephFS client the capability p: `ceph fs authorize FILESYSTEM client.NAME / "
            "rwp`";
    return error;
}

}  // namespace

bool is_cephfs(const Fd& fd) {
    char text[32];
    return ::fgetxattr(fd.get(), "ceph.dir.rbytes", text, sizeof text) > 0;
}

Result<void> set_cephfs_quota(const Fd& directory, std::uint64_t bytes, std::uint64_t inodes) {
    CHECK(put(directory, max_bytes, bytes));
    return put(directory, max_files, inodes);
}

Result<QuotaState> read_cephfs_quota(const Fd& directory) {
    QuotaState state;
    TRY(state.limit_bytes, number_at(directory, max_bytes));
    TRY(state.limit_inodes, number_at(directory, max_files));
    TRY(state.used_bytes, number_at(directory, "ceph.dir.rbytes"));
    // Files and directories: what max_files is held against.
    TRY(state.used_inodes, number_at(directory, "ceph.dir.rentries"));
    return state;
}

}  // namespace stowage::storage
