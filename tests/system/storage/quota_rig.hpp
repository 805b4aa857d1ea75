// A lab with a quota, on whatever filesystem the test runs on.
#pragma once

#include "provisioning/storage/quota.hpp"
#include "tests/system/storage/filesystem_rig.hpp"

namespace stowage::storage {

constexpr std::uint64_t mebibyte = 1 << 20;
/// The lab's, where quotas count by projects.
constexpr std::uint32_t lab_project = lab_uid;

class Quota : public FilesystemRig {
  protected:
    void SetUp() override;
    void TearDown() override;

    void open_all();
    void close_all();

    QuotaBackend expected_backend() const;
    bool counts_files() const { return backend_ != QuotaBackend::btrfs; }
    /// What the kernel answers: XFS says ENOSPC for a project.
    int over_quota() const;
    Result<void> set(std::uint64_t bytes, std::uint64_t inodes = 0) {
        return set_quota(backend_, lab_, {bytes, inodes, lab_project});
    }
    QuotaState read() { return or_throw(read_quota(backend_, lab_)); }
    /// Usage is what the last transaction counted (btrfs), or comes some seconds later (CephFS).
    void settle();
    /// Only CephFS needs a moment.
    void settle_freed();

    /// Writes up to `mib` MiB of file `name` as the lab; the errno that stopped it, or 0.
    int write_as_lab(const std::string& name, int mib);
    /// "file0", "file1", … as the lab; the errno that stopped it, or 0.
    int make_files(int count);

    Fd root_fd_, lab_;
    QuotaBackend backend_{};
};

}  // namespace stowage::storage
