// FUSE without anybody behind it.
// Runs in: system tests of nfs.
#include "tests/system/nfs/silent_filesystem.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>

namespace stowage::nfs::testing {

std::string enter_own_mounts() {
    static const bool entered =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    return entered ? "" : "no mount namespace of our own";
}

SilentFilesystem::SilentFilesystem(std::string path) : path_(std::move(path)) {
    why_not_ = enter_own_mounts();
    device_ = Fd(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (why_not_.empty() && !device_) why_not_ = "no /dev/fuse";
    const auto options = fmt::format("fd={},rootmode=40000,user_id=0,group_id=0,allow_other", device_.get());
    if (why_not_.empty() &&
        ::mount("silent", path_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
        why_not_ = std::string("no FUSE: ") + std::strerror(errno);
}

SilentFilesystem::~SilentFilesystem() {
    device_.reset();
    ::umount2(path_.c_str(), MNT_DETACH);
}

}  // namespace stowage::nfs::testing
