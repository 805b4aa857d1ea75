// Lock, pid and SIGHUP.
// Runs in: CLI.
#include "gateway/cli/running_gateway.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>

#include <cerrno>
#include <charconv>

#include "gateway/base/atomic_file.hpp"
#include "gateway/certificate/certificate.hpp"

namespace stowage::cli {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds reload_limit(10);

std::string lock_path(const Config& config) {
    return config.state_dir + "/lock";
}

/// True if a supervisor holds the lock.
bool is_held(const Fd& lock) {
    if (::flock(lock.get(), LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
    ::flock(lock.get(), LOCK_UN);
    return false;
}

Result<pid_t> holder_of(const std::string& path) {
    TRY(const auto text, read_file(path, 64));
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    if (pid > 1) return pid;
    return Error{Code::unavailable, path + " does not say which process the gateway is",
                 "it was started by another version: systemctl reload stowage"};
}

Result<void> send_hangup(const Fd& lock, const std::string& path) {
    TRY(const auto pid, holder_of(path));
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    // Still held: the pid that we have opened is the holder's, not that of a stranger who got its number.
    if (!process || !is_held(lock)) return Error{Code::unavailable, "the gateway has just ended"};
    if (::syscall(SYS_pidfd_send_signal, process.get(), SIGHUP, nullptr, 0) != 0)
        return system_error(errno, "signal the gateway");
    return {};
}

bool serves(const Config& config, std::string_view chain_pem) {
    const auto published = read_file(published_certificate(config.run_dir));
    return published && *published == chain_pem;
}

}  // namespace

Result<void> need_root(std::string_view what) {
    if (::geteuid() == 0) return {};
    return Error{Code::denied, fmt::format("only root can {}", what), "run the command with sudo"};
}

Result<Fd> lock_out_gateway(const Config& config) {
    const auto path = lock_path(config);
    Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return system_error(errno, "open " + path);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    return Error{Code::in_use, "the gateway runs on the state in " + config.state_dir,
                 "stop it first: systemctl stop stowage"};
}

Result<bool> reload_certificate(const Config& config, std::string_view chain_pem) {
    const auto path = lock_path(config);
    const Fd lock(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!lock && errno != ENOENT) return system_error(errno, "open " + path);
    if (!lock || !is_held(lock)) return false;
    CHECK(send_hangup(lock, path));
    const auto end = steady_clock::now() + reload_limit;
    while (!serves(config, chain_pem)) {
        if (steady_clock::now() > end)
            return Error{
                Code::timeout,
                fmt::format("the gateway has not taken the certificate within {}s", reload_limit.count()),
                "its log says why: journalctl -u stowage"};
        const timespec pause{0, 20'000'000};
        ::nanosleep(&pause, nullptr);
    }
    return true;
}

}  // namespace stowage::cli
