// openat2(2), read(2).
// Runs in: root_step, the Ganesha launcher.
#include "gateway/base/lab_marker.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace stowage {

namespace {

Fd open_below(const Fd& directory, const char* name, std::uint64_t flags) {
    open_how how{};
    how.flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    how.resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    return Fd(static_cast<int>(::syscall(SYS_openat2, directory.get(), name, &how, sizeof how)));
}

}  // namespace

Result<Fd> open_marker_folder(const Fd& lab_directory) {
    auto folder = open_below(lab_directory, marker_folder, O_RDONLY | O_DIRECTORY);
    if (!folder) return system_error(errno, std::string("open ") + marker_folder);
    struct stat info {};
    if (::fstat(folder.get(), &info) != 0) return system_error(errno, "stat .stowage");
    if (info.st_uid != 0) return Error{Code::differs, ".stowage is not root's"};
    return folder;
}

std::string read_marker(const Fd& lab_directory) {
    const auto folder = open_marker_folder(lab_directory);
    if (!folder) return {};
    const auto file = open_below(*folder, "lab", O_RDONLY);
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    char text[256];
    const auto got = ::read(file.get(), text, sizeof text);
    return {text, got > 0 ? static_cast<std::size_t>(got) : 0};
}

}  // namespace stowage
