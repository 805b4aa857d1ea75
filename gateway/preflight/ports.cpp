// Binding each port for a moment.
// Runs in: supervisor, CLI.
#include <fmt/format.h>
#include <sys/socket.h>

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

void check_port(Findings& findings, const std::string& address, std::uint16_t port, const char* port_key,
                const char* address_key) {
    if (port == 0) return;
    switch (const int error = bind_error(address, port)) {
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

}  // namespace

std::vector<Finding> taken_ports(const Config& config) {
    Findings findings;
    for (const auto& address : config.ftps.listen) {
        check_port(findings, address, config.ftps.port, "ftps.port", "ftps.listen");
        check_port(findings, address, config.ftps.implicit_port, "ftps.implicit_port", "ftps.listen");
    }
    const auto facts = nfs::look_at_machine(config);
    const auto choice = nfs::choose_server(config, facts);
    const bool has_it_already = nfs::ganesha_is_foreign(config);
    if (choice && !has_it_already && choice->server == NfsServer::ganesha)
        check_port(findings, config.nfs.bind_address, config.nfs.port, "nfs.port", "nfs.bind_address");
    else if (choice && !has_it_already)
        findings.expect("nfs.port",
                        nfs::port_is_nfsds(config.nfs.port, facts.nfsd_running, facts.port_holder));
    return findings.take();
}

}  // namespace stowage
