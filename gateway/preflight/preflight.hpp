// What can be said about a configuration on this machine, without side effects.
// Runs in: supervisor (before anything starts), CLI (`stowage check`).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/config.hpp"

namespace stowage {

struct Finding {
    enum class Severity { error, warning, note };
    Severity severity;
    std::string key;  ///< the configuration key that it is about
    Error error;
};

/// Accounts, folders, the labs' uids, PAM service, certificate and key, executables, Run:ai's settings and
/// files: all that supervisor or controller would refuse to start with, but for a database that cannot be
/// used. What the caller may not read becomes a note. Blocks on the disk only.
std::vector<Finding> preflight(const Config& config);

/// Which ports of the configuration another process holds, by binding each for a moment, and which addresses
/// this machine has not.
/// @param held of the gateway that runs: of these, only the address is looked at
std::vector<Finding> taken_ports(const Config& config, const std::vector<std::uint16_t>& held = {});

/// The ports that a gateway with this configuration, its NFS server settled, holds itself.
std::vector<std::uint16_t> own_ports(const Config& config);

/// Code::unavailable with the remedy while the kernel's NFS server, which is to serve this port, is stopped.
Result<void> check_nfsd(std::uint16_t port);

/// The two processes that face strangers are nobody, and not the same nobody.
Result<void> check_process_users(uid_t controller, uid_t front);

/// Whether a port of first..last is one that the kernel takes for outgoing connections.
/// @param range ip_local_port_range, "32768\t60999"
/// @param reserved ip_local_reserved_ports, "8080,50000-50999"
bool are_handed_out(std::string_view range, std::string_view reserved, unsigned first, unsigned last);

/// Whether run_dir leaves room for the control socket's name.
Result<void> check_socket_path(const Config& config);

}  // namespace stowage
