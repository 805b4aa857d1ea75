// connect(2) with inotify(7), bind(2) with rename(2).
// Runs in: root_step, the Ganesha launcher.
#include "nfs/exports/bus_socket.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace stowage::nfs {

namespace {

using Clock = std::chrono::steady_clock;

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return Error{Code::config, "the path " + path + " is too long for a Unix socket",
                     "use a shorter run_dir"};
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return address;
}

/// A connected socket; none while nobody listens.
Result<Fd> try_connect(const std::string& path) {
    TRY(const auto address, address_of(path));
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return system_error(errno, "socket");
    const timeval limit{5, 0};  // a bus that accepts nothing has a full backlog
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    if (errno == ENOENT || errno == ECONNREFUSED) return Fd();
    return system_error(errno, "connect " + path);
}

}  // namespace

Result<Fd> connect_when_listening(const std::string& socket, Clock::time_point deadline) {
    const auto folder = std::filesystem::path(socket).parent_path().string();
    const Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch) return system_error(errno, "inotify_init");
    if (::inotify_add_watch(watch.get(), folder.c_str(), IN_MOVED_TO | IN_CREATE) < 0)
        return system_error(errno, "watch " + folder);
    while (true) {
        TRY(auto fd, try_connect(socket));
        if (fd) return fd;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd wait{watch.get(), POLLIN, 0};
        if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) == 0)
            return Error{Code::unavailable, "nobody listens on " + socket,
                         "look at the log for why NFS-Ganesha's bus did not start"};
        char events[4096];
        while (::read(watch.get(), events, sizeof events) > 0) {
        }
    }
}

Result<Fd> listen_at(const std::string& path) {
    const auto temporary = path + ".new";
    TRY(const auto address, address_of(temporary));
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return system_error(errno, "socket");
    if (::unlink(temporary.c_str()) != 0 && errno != ENOENT)
        return system_error(errno, "unlink " + temporary);
    if (::fchmod(fd.get(), 0600) != 0) return system_error(errno, "fchmod");
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return system_error(errno, "bind " + temporary);
    if (::chmod(temporary.c_str(), 0600) != 0) return system_error(errno, "chmod " + temporary);
    if (::listen(fd.get(), 128) != 0) return system_error(errno, "listen " + temporary);
    if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error(errno, "rename " + temporary);
    return fd;
}

}  // namespace stowage::nfs
