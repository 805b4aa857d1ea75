// Binding TCP ports and the control socket.
// Runs in: supervisor.
#include "gateway/supervisor/listeners.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "gateway/base/listen_address.hpp"
#include "gateway/preflight/preflight.hpp"

namespace stowage::supervisor {

namespace {

constexpr int backlog = 1024;

void set(int socket, int level, int option, int value) {
    (void)::setsockopt(socket, level, option, &value, sizeof value);
}

Result<Fd> bind_tcp(const std::string& address, std::uint16_t port, std::string_view key) {
    const auto where = fmt::format("{} {} on {}", key, port, address);
    const auto target = listen_address(address, port);
    Fd socket(::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_error(errno, "socket for " + where);
    set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (target.family() == AF_INET6) set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (::bind(socket.get(), target.raw(), target.size) != 0 || ::listen(socket.get(), backlog) != 0) {
        if (errno == EADDRINUSE)
            return Error{Code::unavailable, where + " is in use by another process",
                         fmt::format("stop it (ss -ltnp 'sport = :{}' names it) or set {} to another port",
                                     port, key)};
        const auto code = errno == EADDRNOTAVAIL ? Code::unavailable : Code::config;
        return Error{code, system_error(errno, "listen with " + where).what,
                     "check the address and the port"};
    }
    return socket;
}

}  // namespace

Result<std::vector<BoundListener>> bind_ftps(const Config& config) {
    std::vector<BoundListener> listeners;
    for (const auto& address : config.ftps.listen) {
        TRY(auto explicit_tls, bind_tcp(address, config.ftps.port, "ftps.port"));
        listeners.push_back({false, std::move(explicit_tls)});
        if (config.ftps.implicit_port == 0) continue;
        TRY(auto implicit_tls, bind_tcp(address, config.ftps.implicit_port, "ftps.implicit_port"));
        listeners.push_back({true, std::move(implicit_tls)});
    }
    return listeners;
}

Result<void> listen_again(const BoundListener& listener) {
    if (::listen(listener.socket.get(), backlog) != 0)
        return system_error(errno, "listen again for the front");
    return {};
}

Result<Fd> bind_control(const Config& config, gid_t admin_gid) {
    const auto path = config.run_dir + "/control.sock";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    CHECK(check_socket_path(config));
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_error(errno, "socket for " + path);
    // The lock on the state directory is ours: a socket file here is what a killed gateway left.
    ::unlink(path.c_str());
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return system_error(errno, "bind " + path);
    if (::chown(path.c_str(), 0, admin_gid) != 0 || ::chmod(path.c_str(), 0660) != 0)
        return system_error(errno, "chown " + path);
    if (::listen(socket.get(), backlog) != 0) return system_error(errno, "listen on " + path);
    return socket;
}

}  // namespace stowage::supervisor
