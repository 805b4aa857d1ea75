// Which NFS server this machine gets, and why.
// Runs in: supervisor (decides once at start), root_step, CLI (`stowage check`).
#pragma once

#include <optional>
#include <string>

#include "gateway/base/config.hpp"

namespace stowage::nfs {

inline constexpr const char* exportfs_path = "/usr/sbin/exportfs";
inline constexpr const char* service_manager_path = "/run/systemd/system";
inline constexpr const char* system_bus_socket = "/run/dbus/system_bus_socket";

struct ServerChoice {
    NfsServer server = NfsServer::ganesha;  ///< kernel or ganesha, never automatic
    std::string why;                        ///< for the log and `stowage status`
};

/// Whether the kernel's NFS server has threads, now.
bool nfsd_runs();

/// NFS-Ganesha is a service of this machine that is not ours and takes exports over the system's bus.
bool ganesha_is_foreign(const Config& config);

/// What was found on this machine; see look_at_machine().
struct MachineFacts {
    bool nfsd_running = false;     ///< /proc/fs/nfsd/threads is above 0
    bool nfsd_available = false;   ///< in /proc/filesystems, or a module of the running kernel
    bool service_manager = false;  ///< systemd, which starts nfs-server.service
    bool exportfs = false;
    bool ganesha = false;
    bool dbus_daemon = false;
    bool system_bus = false;
    bool mount_table = false;  ///< /etc/mtab, which systemd makes at boot and debootstrap does not
    bool rpcbind = false;      ///< it runs
    bool keytab = false;       ///< /etc/krb5.keytab
    bool kernel_rpc_tls = false, exportfs_rpc_tls = false;
    bool port_served = false;   ///< somebody listens on nfs.port, the kernel or a program
    std::string port_holder;    ///< who listens on nfs.port while nfsd does not run: another program
    std::string nfsd_ports;     ///< /proc/fs/nfsd/portlist
    std::string nfsd_versions;  ///< /proc/fs/nfsd/versions
};

/// Reads /proc, /lib/modules and a few paths. Never blocks for long, changes nothing, loads no module.
MachineFacts look_at_machine(const Config& config);

/// The configured server, or with `automatic` the kernel's nfsd when it runs on nfs.port (or systemd is there
/// to start it) and exportfs(8) is installed, else NFS-Ganesha. Code::unsupported when the choice cannot run
/// here, with what to install; Code::unavailable when another program has its port. Pure.
Result<ServerChoice> choose_server(const Config& config, const MachineFacts& facts);

/// What the kernel's server offers although it is not configured, for a warning: exports(5) has no option for
/// the version, so nothing of ours can switch it off. Pure.
std::optional<Error> more_than_wanted(const Config& config, const MachineFacts& facts);

/// Code::unavailable when the kernel's nfsd does not run and `holder` sits on its port, where it cannot come
/// up; the remedy says whom to stop. Pure.
Result<void> port_is_nfsds(std::uint16_t port, bool nfsd_running, const std::string& holder);
/// The same, looked up now.
Result<void> check_port_of_nfsd(std::uint16_t port);

/// Code::unavailable when the kernel's nfsd does not run, nobody listens in its place, and there is a service
/// manager that would start it. Whoever may not look into /proc/fs/nfsd sees by the port that it runs. Pure.
Result<void> nfsd_is_up(std::uint16_t port, const MachineFacts& facts);
/// The same, looked up now. @param service_manager its folder, service_manager_path
Result<void> check_nfsd_is_up(std::uint16_t port, const std::string& service_manager);

}  // namespace stowage::nfs
