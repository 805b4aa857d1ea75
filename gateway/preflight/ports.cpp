// Binding each port for a moment.
// Runs in: supervisor, CLI.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "gateway/base/listen_address.hpp"
#include "gateway/base/port_holder.hpp"
#include "gateway/preflight/findings.hpp"
#include "nfs/exports/server_choice.hpp"

namespace stowage {

namespace {

/// 0, or why it cannot be bound.
int bind_error(const std::string& address, std::uint16_t port) {
    const auto target = listen_address(address, port);
    if (target.size == 0) return 0;
    Fd socket(::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return errno;
    const int yes = 1;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    return ::bind(socket.get(), target.raw(), target.size) == 0 ? 0 : errno;
}

bool is_among(const std::vector<std::uint16_t>& ports, std::uint16_t port) {
    return std::find(ports.begin(), ports.end(), port) != ports.end();
}

void check_port(Findings& findings, const std::vector<std::uint16_t>& held, const std::string& address,
                std::uint16_t port, const char* port_key, const char* address_key) {
    if (port == 0) return;
    constexpr std::uint16_t any = 0;
    switch (const int error = bind_error(address, is_among(held, port) ? any : port)) {
        case 0:
        case EACCES:  // not root, and a port below 1024
            return;
        case EADDRINUSE:
            return findings.add_passing(
                port_key,
                fmt::format("port {} on {} is in use by {}", port, address,
                            port_holder(port).value_or("another process")),
                fmt::format("stop it (ss -ltnp 'sport = :{}' shows it) or choose another port", port));
        case EADDRNOTAVAIL:  // DHCP or duplicate address detection may be about to give it to us
            return findings.add_passing(address_key, system_error(error, "listen on " + address).what,
                                        "name an address that this machine has");
        default:
            findings.add_error(address_key, system_error(error, "listen on " + address).what,
                               "name an address that this machine has");
    }
}

/// nfsd's port belongs to no process, so ss does not show whose it is.
void check_port_of_ganesha(Findings& findings, const std::vector<std::uint16_t>& held, const Config& config,
                           bool nfsd_running) {
    const auto port = config.nfs.port;
    if (nfsd_running && !is_among(held, port) && !port_holder(port) && is_listened_on(port))
        return findings.add_passing(
            "nfs.port", fmt::format("port {} is in use by the kernel's NFS server, which runs", port),
            "systemctl disable --now nfs-server; or set nfs.server to kernel or auto; or choose another "
            "port");
    check_port(findings, held, config.nfs.bind_address, port, "nfs.port", "nfs.bind_address");
}

}  // namespace

std::vector<std::uint16_t> own_ports(const Config& config) {
    std::vector<std::uint16_t> ports{config.ftps.port, config.ftps.implicit_port};
    if (config.nfs.server == NfsServer::ganesha && !nfs::ganesha_is_foreign(config))
        ports.push_back(config.nfs.port);
    return ports;
}

std::vector<Finding> taken_ports(const Config& config, const std::vector<std::uint16_t>& held) {
    Findings findings;
    for (const auto& address : config.ftps.listen) {
        check_port(findings, held, address, config.ftps.port, "ftps.port", "ftps.listen");
        check_port(findings, held, address, config.ftps.implicit_port, "ftps.implicit_port", "ftps.listen");
    }
    const auto facts = nfs::look_at_machine(config);
    const auto choice = nfs::choose_server(config, facts);
    const bool has_it_already = nfs::ganesha_is_foreign(config);
    if (choice && !has_it_already && choice->server == NfsServer::ganesha)
        check_port_of_ganesha(findings, held, config, facts.nfsd_running);
    else if (choice && !has_it_already && !is_among(held, config.nfs.port))
        findings.expect("nfs.port",
                        nfs::port_is_nfsds(config.nfs.port, facts.nfsd_running, facts.port_holder));
    return findings.take();
}

}  // namespace stowage
