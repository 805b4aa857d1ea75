// openat2, readdir, owners.
// Runs in: root_step.
#include "provisioning/storage/beneath.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "gateway/base/log.hpp"

namespace stowage::storage {

Fd try_open_beneath(const Fd& directory, const std::string& name, int flags, Mounts mounts) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC | O_NOFOLLOW;
    if (!(flags & O_PATH)) how.flags |= O_NONBLOCK | O_NOCTTY;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    if (mounts == Mounts::stay) how.resolve |= RESOLVE_NO_XDEV;
    return Fd(static_cast<int>(::syscall(SYS_openat2, directory.get(), name.c_str(), &how, sizeof how)));
}

Result<Fd> open_beneath(const Fd& directory, const std::string& name, int flags, Mounts mounts) {
    auto fd = try_open_beneath(directory, name, flags, mounts);
    if (!fd && errno == EXDEV)
        return Error{Code::in_use, "a filesystem is mounted on " + log::escaped(name), "unmount it"};
    if (!fd) return system_error(errno, "open " + log::escaped(name));
    return fd;
}

Result<std::vector<std::string>> names_in(const Fd& directory, std::size_t most) {
    // fdopendir takes the descriptor over, and the offset is shared with it: open the directory once more.
    const int again = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (again < 0) return system_error(errno, "open a directory");
    std::unique_ptr<DIR, decltype([](DIR* d) { ::closedir(d); })> stream(::fdopendir(again));
    if (!stream) {
        Fd closes_it(again);
        return system_error(errno, "read a directory");
    }
    std::vector<std::string> names;
    errno = 0;
    while (names.size() < most) {
        const auto* entry = ::readdir(stream.get());
        if (!entry) break;
        const std::string name = entry->d_name;
        if (name != "." && name != "..") names.push_back(name);
    }
    if (errno != 0) return system_error(errno, "read a directory");
    return names;
}

Result<void> set_owner_and_mode(const Fd& directory, uid_t uid, mode_t mode, const std::string& what) {
    struct stat info {};
    if (::fstat(directory.get(), &info) != 0) return system_error(errno, "stat " + what);
    const bool owned = info.st_uid == uid && info.st_gid == uid;
    if (!owned && ::fchown(directory.get(), uid, uid) != 0) return system_error(errno, "chown " + what);
    if ((info.st_mode & 07777) != mode && ::fchmod(directory.get(), mode) != 0)
        return system_error(errno, "chmod " + what);
    return {};
}

std::string random_name() {
    std::uint64_t number = 0;
    // Callers rename to it, and a directory would take the place of an empty one of a name that is known.
    if (::getrandom(&number, sizeof number, 0) != sizeof number)
        throw Fatal({Code::internal, "getrandom gave no bytes"});
    return fmt::format("{:016x}", number);
}

std::string path_of(const Fd& fd) {
    return "/proc/self/fd/" + std::to_string(fd.get());
}

}  // namespace stowage::storage
