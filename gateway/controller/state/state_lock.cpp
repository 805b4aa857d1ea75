// The lock file.
// Runs in: controller.
#include "gateway/controller/state/state_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/base/log.hpp"

namespace stowage::controller {

namespace {

std::string holder_of(const Fd& lock) {
    char text[32] = {};
    const auto size = ::pread(lock.get(), text, sizeof text - 1, 0);
    std::string pid(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!pid.empty() && pid.back() == '\n')
        pid.pop_back();
    return pid.empty() ? "unknown" : log::escaped(pid);
}

}  // namespace

Result<Fd> lock_state(const std::string& directory) {
    const auto path = directory + "/stowage.lock";
    Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) {
        auto error = system_error(errno, "open " + path);
        error.remedy = "state_dir must be there and belong to the gateway's user, on a writable filesystem";
        return error;
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return system_error(errno, "flock " + path);
        return Error{
            Code::in_use,
            fmt::format("another gateway runs on the state in {} (pid {})", directory, holder_of(lock)),
            "stop it first, or give this one a state_dir of its own"};
    }
    const auto pid = fmt::format("{}\n", ::getpid());
    // Only people read it: a full disk must not keep the gateway from its lock.
    if (::ftruncate(lock.get(), 0) == 0) (void)!::pwrite(lock.get(), pid.data(), pid.size(), 0);
    return lock;
}

}  // namespace stowage::controller
