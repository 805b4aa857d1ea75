// Looking for nfsd, exportfs and NFS-Ganesha.
// Runs in: supervisor, root_step, CLI.
#include "nfs/exports/server_choice.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/port_holder.hpp"
#include "nfs/exports/server_demands.hpp"

namespace stowage::nfs {

namespace {

std::string text_of(const std::string& path) {
    auto text = read_file(path, 4 << 20);
    return text ? *text : std::string();
}

std::string kernel_release() {
    utsname name{};
    return ::uname(&name) == 0 ? name.release : "";
}

bool has_module() {
    const auto folder = fmt::format("/lib/modules/{}/", kernel_release());
    for (const auto* list : {"modules.dep", "modules.builtin"})
        if (text_of(folder + list).find("/nfsd/nfsd.ko") != std::string::npos) return true;
    return false;
}

bool executable(const std::string& path) {
    return ::access(path.c_str(), X_OK) == 0;
}

/// portlist holds lines such as "tcp 2049"; no port is told while a container hides the file.
bool serves_port(std::string_view portlist, std::uint16_t port) {
    return portlist.empty() ||
           fmt::format("\n{}", portlist).find(fmt::format("\ntcp {}\n", port)) != std::string::npos;
}

Result<ServerChoice> kernel(const Config& config, const MachineFacts& facts, std::string why) {
    if (!facts.exportfs)
        return Error{Code::unsupported,
                     fmt::format("nfs.server is kernel, but there is no {}", exportfs_path),
                     "install nfs-kernel-server, or set nfs.server to ganesha"};
    if (!facts.nfsd_running && !facts.nfsd_available)
        return Error{Code::unsupported, "nfs.server is kernel, but this kernel has no nfsd",
                     "set nfs.server to ganesha, or run a kernel with nfsd"};
    if (facts.nfsd_running && !serves_port(facts.nfsd_ports, config.nfs.port))
        return Error{Code::unsupported,
                     fmt::format("the kernel's nfsd does not serve nfs.port {}", config.nfs.port),
                     "set nfs.port to its port, or nfs.server to ganesha"};
    CHECK(kernel_can(config, facts));
    return ServerChoice{NfsServer::kernel, std::move(why)};
}

Result<ServerChoice> foreign_ganesha(const Config& config, const MachineFacts& facts) {
    if (!facts.system_bus)
        return Error{Code::unsupported,
                     fmt::format("nfs.dbus_executable is empty, and there is no {}", system_bus_socket),
                     "install dbus, start it and nfs-ganesha; or leave nfs.dbus_executable out"};
    CHECK(ganesha_can(config));
    return ServerChoice{NfsServer::ganesha,
                        "nfs.dbus_executable is empty: a service of this machine, on the system's bus"};
}

Result<ServerChoice> ganesha(const Config& config, const MachineFacts& facts, std::string why) {
    if (!facts.ganesha)
        return Error{Code::unsupported, why + ", and there is no " + config.nfs.ganesha_executable,
                     "install nfs-ganesha and nfs-ganesha-vfs, or set nfs.ganesha_executable"};
    if (config.nfs.dbus_executable.empty())
        return Error{
            Code::unsupported, why + ", and nfs.dbus_executable is empty",
            "leave it out; or, for an NFS-Ganesha that runs as a service, set nfs.server to ganesha"};
    if (!facts.dbus_daemon)
        return Error{Code::unsupported, why + ", and there is no " + config.nfs.dbus_executable,
                     "install dbus-daemon, or set nfs.dbus_executable"};
    if (!facts.mount_table)
        return Error{Code::unsupported, why + ", and NFS-Ganesha finds no filesystem without /etc/mtab",
                     "ln -s ../proc/self/mounts /etc/mtab"};
    CHECK(ganesha_can(config));
    return ServerChoice{NfsServer::ganesha, std::move(why)};
}

}  // namespace

MachineFacts look_at_machine(const Config& config) {
    MachineFacts facts;
    facts.nfsd_running = nfsd_runs();
    // Our own NFS-Ganesha, where that was chosen, is nobody in the way.
    if (!facts.nfsd_running && config.nfs.server != NfsServer::ganesha)
        facts.port_holder = port_holder(config.nfs.port).value_or("");
    facts.port_served = is_listened_on(config.nfs.port);
    facts.nfsd_available = text_of("/proc/filesystems").find("\tnfsd\n") != std::string::npos || has_module();
    facts.service_manager = ::access(service_manager_path, F_OK) == 0;
    facts.exportfs = executable(exportfs_path);
    facts.ganesha = executable(config.nfs.ganesha_executable);
    facts.system_bus = ::access(system_bus_socket, F_OK) == 0;
    facts.dbus_daemon = executable(config.nfs.dbus_executable);
    facts.mount_table = ::access("/etc/mtab", R_OK) == 0;
    facts.nfsd_ports = text_of("/proc/fs/nfsd/portlist");
    facts.nfsd_versions = text_of("/proc/fs/nfsd/versions");
    facts.rpcbind = ::access("/run/rpcbind.sock", F_OK) == 0;
    facts.keytab = ::access("/etc/krb5.keytab", F_OK) == 0;
    facts.kernel_rpc_tls = release_has_rpc_tls(kernel_release());
    // It has no way to ask; the options that it takes stand in it as text.
    facts.exportfs_rpc_tls = text_of(exportfs_path).find("xprtsec") != std::string::npos;
    return facts;
}

bool nfsd_runs() {
    const auto threads = text_of("/proc/fs/nfsd/threads");
    int count = 0;
    std::from_chars(threads.data(), threads.data() + threads.size(), count);
    return count > 0;
}

bool ganesha_is_foreign(const Config& config) {
    return config.nfs.server == NfsServer::ganesha && config.nfs.dbus_executable.empty();
}

Result<ServerChoice> choose_server(const Config& config, const MachineFacts& facts) {
    if (ganesha_is_foreign(config)) return foreign_ganesha(config, facts);
    if (config.nfs.server == NfsServer::kernel) return kernel(config, facts, "nfs.server says kernel");
    if (config.nfs.server == NfsServer::ganesha) return ganesha(config, facts, "nfs.server says ganesha");
    if (!facts.nfsd_running && !facts.nfsd_available)
        return ganesha(config, facts, "this kernel has no nfsd");
    if (!facts.exportfs && !facts.ganesha)
        return Error{
            Code::unsupported,
            fmt::format("there is no {}, and there is no {}", exportfs_path, config.nfs.ganesha_executable),
            "install nfs-kernel-server, for this kernel has nfsd; or nfs-ganesha and nfs-ganesha-vfs"};
    if (!facts.exportfs) return ganesha(config, facts, fmt::format("there is no {}", exportfs_path));
    if (facts.nfsd_running) {
        if (serves_port(facts.nfsd_ports, config.nfs.port))
            return kernel(config, facts, "the kernel's nfsd is running");
        return ganesha(config, facts,
                       fmt::format("the kernel's nfsd does not serve nfs.port {}", config.nfs.port));
    }
    if (facts.service_manager && config.nfs.port == 2049) {
        CHECK(port_is_nfsds(config.nfs.port, facts.nfsd_running, facts.port_holder));
        return kernel(config, facts, "the kernel has nfsd, and nfs-server.service starts it");
    }
    return ganesha(config, facts, "the kernel's nfsd is not running and nothing here would start it");
}

Result<void> port_is_nfsds(std::uint16_t port, bool nfsd_running, const std::string& holder) {
    if (nfsd_running || holder.empty()) return {};
    // Debian's package of NFS-Ganesha starts it as a service; with both installed the first at 2049 wins.
    const auto* stop = holder.starts_with("ganesha.nfsd") ? "systemctl disable --now nfs-ganesha" : "stop it";
    return Error{Code::unavailable,
                 fmt::format("the kernel's nfsd does not run, and its port {} is in use by {}", port, holder),
                 fmt::format("{}, then systemctl restart nfs-server", stop)};
}

Result<void> check_port_of_nfsd(std::uint16_t port) {
    if (nfsd_runs()) return {};
    return port_is_nfsds(port, false, port_holder(port).value_or(""));
}

Result<void> nfsd_is_up(std::uint16_t port, const MachineFacts& facts) {
    if (facts.nfsd_running || facts.port_served || !facts.service_manager) return {};
    return Error{
        Code::unavailable,
        fmt::format("the kernel's NFS server does not run: no threads, and nobody listens on port {}", port),
        "systemctl start nfs-server"};
}

Result<void> check_nfsd_is_up(std::uint16_t port, const std::string& service_manager) {
    return nfsd_is_up(port, {.nfsd_running = nfsd_runs(),
                             .service_manager = ::access(service_manager.c_str(), F_OK) == 0,
                             .port_served = is_listened_on(port)});
}

}  // namespace stowage::nfs
