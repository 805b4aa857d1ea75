// The one call of openat2(2).
// Runs in: worker, on the file threads.
#include "ftps/worker/open_beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace stowage::ftps {

namespace {

constexpr int walk_attempts = 20;

}  // namespace

// The kernel answers EAGAIN when something was renamed while it walked beneath: a peer must not make that an
// error.
Fd open_beneath(int root, const char* path, int flags, std::uint64_t resolve) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve;
    for (int attempt = 1;; ++attempt) {
        const auto fd = static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || attempt == walk_attempts) return Fd(fd);
    }
}

Fd open_without_links(int top, const std::string& path, int flags) {
    return open_beneath(top, path.empty() ? "." : path.c_str(), flags, RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

}  // namespace stowage::ftps
