// flock(2).
// Runs in: root_step, the Ganesha launcher.
#include "nfs/exports/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace stowage::nfs {

Result<Fd> lock_exports(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return system_error(errno, "open " + path);
    while (::flock(fd.get(), LOCK_EX) != 0)
        if (errno != EINTR) return system_error(errno, "flock " + path);
    return fd;
}

}  // namespace stowage::nfs
