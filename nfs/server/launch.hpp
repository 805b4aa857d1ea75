// Turning the launcher into dbus-daemon or ganesha.nfsd.
// Runs in: nfs_server. Distrusts: what a former run left in the state directory.
#pragma once

#include <string>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/base/fd.hpp"
#include "nfs/exports/ganesha_files.hpp"

namespace stowage::nfs {

/// The capabilities that are left.
enum class Rights { none, ganesha, ganesha_on_low_port };

/// What to exec, and with which rights.
struct Launch {
    std::vector<std::string> arguments;    ///< arguments[0] is the executable
    std::vector<std::string> environment;  ///< all of it
    Fd inherited;                          ///< becomes descriptor 3 if set (LISTEN_FDS of sd_listen_fds(3))
    Rights rights = Rights::none;
    bool sees_interfaces = true;  ///< may open netlink sockets
};

/// The private bus: its configuration, and its listening socket, which the daemon inherits: whoever connects
/// from now on is served as soon as the daemon runs.
Result<Launch> prepare_bus(const GaneshaFiles& files, const Config& config);

/// NFS-Ganesha: waits for the bus (without it, Ganesha would run and take no orders), writes the
/// configuration and the index of the exports that can be served.
Result<Launch> prepare_ganesha(const GaneshaFiles& files, const Config& config);

/// Gives away all capabilities but those of `launch.rights`, asks to be killed with the parent, reports Ready
/// on descriptor 3 and execs. Returns only on failure.
/// @param parent who must still be our parent
Error become_program(Launch launch, pid_t parent);

}  // namespace stowage::nfs
