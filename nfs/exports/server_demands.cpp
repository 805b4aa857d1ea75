// Demands and what meets them.
// Runs in: supervisor, root_step, CLI.
#include "nfs/exports/server_demands.hpp"

#include <fmt/format.h>

#include <charconv>

namespace stowage::nfs {

namespace {

Error cannot(std::string what, std::string remedy) {
    return {Code::unsupported, std::move(what), std::move(remedy)};
}

/// /proc/fs/nfsd/versions: "+3 +4 -4.0 +4.1 +4.2". Not readable or not running: it says neither.
bool says(std::string_view versions, std::string_view word) {
    return fmt::format(" {} ", versions.substr(0, versions.find('\n'))).find(fmt::format(" {} ", word)) !=
           std::string::npos;
}

bool is_off(std::string_view versions, std::string_view version) {
    return says(versions, fmt::format("-{}", version));
}

Result<void> check_versions(const Config& config, const MachineFacts& facts) {
    if (is_off(facts.nfsd_versions, "4") || is_off(facts.nfsd_versions, "4.2"))
        return cannot(
            "the kernel's nfsd does not serve NFSv4.2, which pods mount by default",
            "set vers4=y and vers4.2=y under [nfsd] in /etc/nfs.conf, then systemctl restart nfs-server");
    if (!config.nfs.v3) return {};
    if (is_off(facts.nfsd_versions, "3"))
        return cannot(
            "nfs.v3 is true, but the kernel's nfsd does not serve NFSv3",
            "set vers3=y under [nfsd] in /etc/nfs.conf, then systemctl restart nfs-server; or set nfs.v3 "
            "to false");
    if (facts.nfsd_running && !facts.rpcbind)
        return cannot("nfs.v3 is true, but rpcbind does not run: there is no /run/rpcbind.sock",
                      "apt-get install rpcbind, systemctl start rpcbind; or set nfs.v3 to false");
    return {};
}

}  // namespace

std::optional<Error> more_than_wanted(const Config& config, const MachineFacts& facts) {
    if (config.nfs.v3 || !says(facts.nfsd_versions, "+3")) return std::nullopt;
    return Error{
        Code::config, "nfs.v3 is false, but the kernel's nfsd serves NFSv3 too, every lab included",
        "set vers3=n under [nfsd] in /etc/nfs.conf, then systemctl restart nfs-server; or set nfs.v3 "
        "to true"};
}

bool release_has_rpc_tls(std::string_view release) {
    unsigned major = 0, minor = 0;
    const auto* last = release.data() + release.size();
    const auto [dot, failed] = std::from_chars(release.data(), last, major);
    if (failed != std::errc{} || dot == last || *dot != '.') return false;
    if (std::from_chars(dot + 1, last, minor).ec != std::errc{}) return false;
    return major > 6 || (major == 6 && minor >= 4);
}

Result<void> kernel_can(const Config& config, const MachineFacts& facts) {
    const auto& transport = config.nfs.transport_security;
    if (transport != "none" && !facts.kernel_rpc_tls)
        return cannot(
            fmt::format("nfs.transport_security is {}, but this kernel has no RPC over TLS", transport),
            "run Linux 6.4 or newer, or set nfs.transport_security to none");
    if (transport != "none" && !facts.exportfs_rpc_tls)
        return cannot(
            fmt::format("nfs.transport_security is {}, but {} does not know xprtsec=", transport,
                        exportfs_path),
            "install a newer nfs-utils (Debian 12's has it not), or set nfs.transport_security to none");
    if (config.nfs.security != "sys" && !facts.keytab)
        return cannot(
            fmt::format("nfs.security is {}, but there is no /etc/krb5.keytab", config.nfs.security),
            "put the keytab of nfs/HOST there, or set nfs.security to sys");
    return check_versions(config, facts);
}

Result<void> ganesha_can(const Config& config) {
    constexpr auto other_server = "set nfs.server to kernel, or ";
    if (config.nfs.transport_security != "none")
        return cannot(fmt::format("nfs.transport_security is {}, which NFS-Ganesha 4 has not",
                                  config.nfs.transport_security),
                      std::string(other_server) + "nfs.transport_security to none");
    if (config.nfs.security != "sys")
        return cannot(fmt::format("nfs.security is {}, and stowage runs NFS-Ganesha with sys alone",
                                  config.nfs.security),
                      std::string(other_server) + "nfs.security to sys");
    if (config.nfs.v3)
        return cannot("nfs.v3 is true, and stowage runs NFS-Ganesha with NFSv4 alone",
                      std::string(other_server) + "nfs.v3 to false");
    return {};
}

}  // namespace stowage::nfs
