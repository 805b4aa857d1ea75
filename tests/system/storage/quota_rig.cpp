// Writing as a lab until the kernel says no.
#include "tests/system/storage/quota_rig.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <vector>

namespace stowage::storage {

void Quota::SetUp() {
    FilesystemRig::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_TRUE(make_directory(place()));
    open_all();
}

void Quota::TearDown() {
    close_all();
    FilesystemRig::TearDown();
}

void Quota::open_all() {
    root_fd_ = or_throw(open_root(root_));
    lab_ = or_throw(open_lab(root_fd_, place()));
    backend_ = or_throw(choose_quota(root_fd_, QuotaChoice::automatic)).backend;
}

void Quota::close_all() {
    lab_.reset();
    root_fd_.reset();
}

QuotaBackend Quota::expected_backend() const {
    if (on_btrfs()) return QuotaBackend::btrfs;
    if (on("xfs")) return QuotaBackend::xfs;
    if (on("ext4")) return QuotaBackend::ext4;
    return on("cephfs") ? QuotaBackend::cephfs : QuotaBackend::none;
}

int Quota::over_quota() const {
    return on("xfs") ? ENOSPC : EDQUOT;
}

void Quota::settle() {
    ::syncfs(lab_.get());
    if (!on("cephfs")) return;
    // The metadata server adds the sizes of files up to their directories within some seconds.
    auto before = read();
    for (int turn = 0; turn < 60; ++turn) {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        const auto now = read();
        if (now.used_bytes == before.used_bytes && now.used_inodes == before.used_inodes && turn > 5) return;
        before = now;
    }
}

void Quota::settle_freed() {
    if (on("cephfs")) settle();
}

int Quota::write_as_lab(const std::string& name, int mib) {
    return as_lab([&] {
        const std::vector<char> block(mebibyte, 'x');
        const int fd = ::open(in_lab(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0) return errno;
        for (int i = 0; i < mib; ++i)
            if (::write(fd, block.data(), block.size()) < 0) return errno;
        return ::fsync(fd) == 0 ? 0 : errno;
    });
}

int Quota::make_files(int count) {
    return as_lab([&] {
        for (int i = 0; i < count; ++i) {
            const auto path = in_lab("file" + std::to_string(i));
            const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
            if (fd < 0) return errno;
            ::close(fd);
        }
        return 0;
    });
}

}  // namespace stowage::storage
