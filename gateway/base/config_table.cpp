// The table of configuration keys: name, default, unit, documentation and parser, one row a key.
// Runs in: every process.
#include "gateway/base/config_table.hpp"

#include "gateway/base/config_choices.hpp"
#include "gateway/base/config_parsers.hpp"

namespace stowage {

namespace {

namespace parse = config_parsers;
namespace choose = config_choices;
using std::chrono::seconds;

/// A setter from a parser and a place in Config.
template <typename Parser, typename Place>
auto into(Parser parser, Place place) {
    return [parser, place](Config& config, std::string_view text) -> Result<void> {
        auto value = parser(text);
        if (!value) return value.error();
        auto& field = place(config);
        field = static_cast<std::remove_reference_t<decltype(field)>>(std::move(*value));
        return {};
    };
}

auto number(std::uint64_t least, std::uint64_t most) {
    return [=](std::string_view text) { return parse::number(text, least, most); };
}
auto duration(seconds least, seconds most) {
    return [=](std::string_view text) { return parse::duration(text, least, most); };
}
auto size(std::string_view text) {
    return parse_bytes("size", text);
}
auto count(std::string_view text) {
    return parse_count("count", text);
}

Result<void> set_passive_ports(Config& config, std::string_view text) {
    TRY(const auto range, parse::port_range(text));
    std::tie(config.ftps.passive_port_min, config.ftps.passive_port_max) = range;
    return {};
}

#define FIELD(member)         \
    [](Config & c) -> auto& { \
        return c.member;      \
    }

}  // namespace

const std::vector<ConfigRow>& config_table() {
    static const std::vector<ConfigRow> table = {
        {{"state_dir", "/var/lib/stowage", "path",
          "Database, TLS certificate, NFS-Ganesha's files; not the FTPS password file "
          "(accounts.password_file)."},
         into(parse::absolute_path, FIELD(state_dir))},
        {{"run_dir", "/run/stowage", "path",
          "Sockets and the front's empty root directory; emptied by a reboot."},
         into(parse::absolute_path, FIELD(run_dir))},
        {{"log_level", "info", "error, warning, notice, info, debug", "The lowest level that is logged."},
         into(choose::log_level, FIELD(log_level))},
        {{"drain_timeout", "30s", "time", "How long running transfers may go on after SIGTERM."},
         into(duration(seconds(0), seconds(86400)), FIELD(drain_timeout))},
        {{"reconcile_interval", "5m", "time", "How often every lab is looked at again and repaired."},
         into(duration(seconds(5), seconds(86400)), FIELD(reconcile_interval))},

        {{"process.controller_user", "stowage", "user name or uid",
          "Runs the controller: database, plan, Run:ai."},
         into(parse::word, FIELD(process.controller_user))},
        {{"process.front_user", "stowage-front", "user name or uid", "Runs the front: TLS and logins."},
         into(parse::word, FIELD(process.front_user))},
        {{"process.admin_group", "stowage-admin", "group name or gid",
          "Its members, and root, may use the `stowage` command."},
         into(parse::word, FIELD(process.admin_group))},
        {{"process.libexec_dir", "", "path",
          "Where the other executables lie; empty: beside the supervisor."},
         into(parse::path_or_empty, FIELD(process.libexec_dir))},

        {{"labs.root", "/mnt/nfs", "path", "Each lab is a directory here; NFS clients mount that same path."},
         into(parse::absolute_path, FIELD(labs.root))},
        {{"labs.uid_min", "700000", "uid",
          "First uid and gid for labs. Nothing else on this machine or your directory service may use them."},
         into(number(1000, 4294967293), FIELD(labs.uid_min))},
        {{"labs.uid_max", "799999", "uid", "Last uid and gid for labs."},
         into(number(1000, 4294967293), FIELD(labs.uid_max))},
        {{"labs.quota_backend", "auto", "auto, btrfs, xfs, ext4, cephfs, none",
          "What enforces quotas; auto looks at the filesystem under labs.root and at its mount options, and "
          "says "
          "what it chose."},
         into(choose::quota_choice, FIELD(labs.quota_backend))},
        {{"labs.drift", "repair", "repair, report",
          "What a pass does when somebody changed a lab's owner, mode, quota, project id, mount or export by "
          "hand: repair sets it right; report only says so, until `stowage apply`. Foreign data is never "
          "touched."},
         into(choose::drift_policy, FIELD(labs.drift))},
        {{"labs.default_quota", "1TiB", "size", "Quota of a lab that is created without one."},
         into(size, FIELD(labs.default_quota_bytes))},
        {{"labs.default_inodes", "none", "count",
          "Limit of files and directories of a lab that is created without one."},
         into(count, FIELD(labs.default_quota_inodes))},
        {{"labs.default_clients", "127.0.0.0/8", "networks",
          "Who may mount a lab that is created without --clients. NETWORK:ro for reading only; all the world "
          "only "
          "as 0.0.0.0/0:anybody."},
         into(parse::clients, FIELD(labs.default_clients))},

        {{"ftps.listen", "::", "addresses",
          "Where the FTPS server listens; :: is every IPv4 and IPv6 address, with and without IPv6 on the "
          "node."},
         into(parse::addresses, FIELD(ftps.listen))},
        {{"ftps.port", "21", "port", "Explicit TLS (AUTH TLS, RFC 4217)."},
         into(number(1, 65535), FIELD(ftps.port))},
        {{"ftps.implicit_port", "990", "port", "Implicit TLS; 0 switches it off."},
         into(number(0, 65535), FIELD(ftps.implicit_port))},
        {{"ftps.passive_ports", "50000-50999", "port range", "Data connections; open it in the firewall."},
         set_passive_ports},
        {{"ftps.pasv_address", "", "address, or addresses by client network",
          "IPv4 address told in PASV replies behind NAT; empty: the one that the client reached. By network: "
          "`{10.8.0.0/16: 10.8.0.1, 10.0.0.0/8: reached, default: 203.0.113.5}`, or `10.8.0.0/16=10.8.0.1,…` "
          "on one "
          "line; the narrowest network counts."},
         into(parse::pasv_addresses, FIELD(ftps.pasv_addresses))},
        {{"ftps.proxy_networks", "", "networks",
          "Load balancers that speak PROXY protocol v2. Control and data connections from here must begin "
          "with its "
          "header, and count as coming from the client that it names; those from elsewhere must not have "
          "one."},
         into(parse::networks, FIELD(ftps.proxy_networks))},
        {{"ftps.active_mode", "true", "true, false",
          "false: PORT and EPRT are refused, so that the server opens no connection itself."},
         into(parse::boolean, FIELD(ftps.active_mode))},
        {{"ftps.certificate", "", "path",
          "Certificate chain (PEM); empty: a self-signed one, made in state_dir at first start."},
         into(parse::path_or_empty, FIELD(ftps.certificate))},
        {{"ftps.private_key", "", "path", "Its private key (PEM), readable by root only."},
         into(parse::path_or_empty, FIELD(ftps.private_key))},
        {{"ftps.ocsp_response", "", "path",
          "OCSP response (DER) for the certificate, stapled for clients that ask; read again by a reload."},
         into(parse::path_or_empty, FIELD(ftps.ocsp_response))},
        {{"ftps.alias", "/mnt/nfs", "path",
          "Another name of / for FTPS users, so that paths are those of the pods; empty: none."},
         into(parse::path_or_empty, FIELD(ftps.alias))},
        {{"ftps.durability", "full", "full, none",
          "full: 226 means that the upload is on disk; none: faster, lost with a power failure. For labs "
          "that do "
          "not choose."},
         into(parse::durability, FIELD(ftps.durability))},
        {{"ftps.upload_hash", "sha256", "sha256, none",
          "sha256: uploads are hashed as they come, 226 tells the hash and HASH answers at once; none: less "
          "CPU per upload, and HASH reads the file."},
         into(choose::upload_hashing, FIELD(ftps.upload_hash))},
        {{"ftps.data_tls_resumption", "required", "required, optional",
          "optional admits clients that cannot resume a TLS session on data connections; it gives the lab's "
          "worker the private key. For labs that do not choose."},
         into(parse::resumption, FIELD(ftps.data_tls_resumption))},
        {{"ftps.same_control_connection", "false", "true, false",
          "true: a data connection must resume its own control connection, not just one of the same login "
          "and address."},
         into(parse::boolean, FIELD(ftps.same_control_connection))},
        {{"ftps.idle_timeout", "15m", "time", "A session without command and transfer is closed."},
         into(duration(seconds(5), seconds(86400)), FIELD(ftps.idle_timeout))},
        {{"ftps.login_timeout", "60s", "time", "A connection must have logged in by then."},
         into(duration(seconds(1), seconds(3600)), FIELD(ftps.login_timeout))},
        {{"ftps.data_timeout", "60s", "time", "A data connection on which nothing moves is closed."},
         into(duration(seconds(1), seconds(86400)), FIELD(ftps.data_timeout))},
        {{"ftps.failed_login_time", "2s", "time",
          "A refused login is answered this long after PASS, whatever the reason."},
         into(duration(seconds(0), seconds(60)), FIELD(ftps.failed_login_time))},
        {{"ftps.max_login_delay", "8s", "time",
          "From the third refused login of an address, or for a user, on, the answer comes later and later: "
          "1s, 2s, 4s, up to this; 0s: no delay."},
         into(duration(seconds(0), seconds(9)), FIELD(ftps.max_login_delay))},
        {{"ftps.ban_after", "10", "count",
          "An address (an IPv6 /64 is one) with so many refused logins within ban_window is banned; 0: "
          "never."},
         into(number(0, 1000), FIELD(ftps.ban_after))},
        {{"ftps.ban_window", "10m", "time", "A refused login is forgotten after this."},
         into(duration(seconds(1), seconds(86400)), FIELD(ftps.ban_window))},
        {{"ftps.ban_time", "15m", "time", "How long a banned address is not let in."},
         into(duration(seconds(1), seconds(366 * 86400)), FIELD(ftps.ban_time))},
        {{"ftps.never_ban", "", "networks",
          "Addresses that are never banned: those behind which many people are, such as a NAT or VPN "
          "gateway."},
         into(parse::networks, FIELD(ftps.never_ban))},
        {{"ftps.partial_expiry", "7d", "time", "Unfinished uploads are kept this long for REST and APPE."},
         into(duration(seconds(3600), seconds(366 * 86400)), FIELD(ftps.partial_expiry))},
        {{"ftps.max_sessions", "10000", "count", "Control connections in all."},
         into(number(1, 1000000), FIELD(ftps.max_sessions))},
        {{"ftps.max_sessions_per_address", "1000", "count",
          "Control connections of one client address (an IPv6 /64 is one)."},
         into(number(1, 1000000), FIELD(ftps.max_sessions_per_address))},
        {{"ftps.max_logins_per_address", "80", "count",
          "Control connections of one client address that are not logged in yet. Parallel clients open as "
          "many "
          "as they transfer files at once."},
         into(number(1, 1000000), FIELD(ftps.max_logins_per_address))},
        {{"ftps.max_sessions_per_user", "100", "count", "Logged-in sessions of one user."},
         into(number(1, 1000000), FIELD(ftps.max_sessions_per_user))},
        {{"ftps.max_sessions_per_lab", "1000", "count", "Logged-in sessions of one lab."},
         into(number(1, 1000000), FIELD(ftps.max_sessions_per_lab))},
        {{"ftps.max_transfers_per_lab", "64", "count", "Transfers of one lab that run at the same time."},
         into(number(1, 10000), FIELD(ftps.max_transfers_per_lab))},
        {{"ftps.worker_idle_timeout", "5m", "time", "A lab's worker without sessions leaves after this."},
         into(duration(seconds(1), seconds(86400)), FIELD(ftps.worker_idle_timeout))},

        {{"accounts.pam_service", "stowage", "name", "PAM service that checks FTPS passwords."},
         into(parse::word, FIELD(accounts.pam_service))},
        {{"accounts.pam_confdir", "", "path", "Directory of the PAM service file; empty: the system's."},
         into(parse::path_or_empty, FIELD(accounts.pam_confdir))},
        {{"accounts.password_file", "/var/lib/stowage/ftps.passwd", "path",
          "What pam_pwdfile reads and `stowage user` maintains."},
         into(parse::absolute_path, FIELD(accounts.password_file))},

        {{"nfs.server", "auto", "auto, kernel, ganesha",
          "auto: the kernel's nfsd where there is one, else NFS-Ganesha."},
         into(choose::nfs_server, FIELD(nfs.server))},
        {{"nfs.address", "", "address or host name",
          "This node as pods reach it; goes into data sources. Empty: the host's name."},
         into(parse::text_or_empty, FIELD(nfs.address))},
        {{"nfs.check_address", "127.0.0.1", "address",
          "Where the mount check connects, an address of this node; every export admits it."},
         into(parse::address, FIELD(nfs.check_address))},
        {{"nfs.port", "2049", "port", "NFSv4 port."}, into(number(1, 65535), FIELD(nfs.port))},
        {{"nfs.security", "sys", "sys, krb5, krb5i, krb5p",
          "Security flavour of the exports. The mount check speaks sys only and is left out with the "
          "others."},
         into(choose::nfs_security, FIELD(nfs.security))},
        {{"nfs.transport_security", "none", "none, tls, mtls",
          "xprtsec= of the exports: tls encrypts NFS, mtls wants client certificates too. Needs Linux 6.4 "
          "and an "
          "nfs-utils that knows it."},
         into(choose::nfs_transport, FIELD(nfs.transport_security))},
        {{"nfs.v3", "false", "true, false",
          "true: NFSv3 as well; the kernel's server and rpcbind must offer it. false does not switch it off "
          "there: vers3=n in /etc/nfs.conf does."},
         into(parse::boolean, FIELD(nfs.v3))},
        {{"nfs.bind_address", "::", "address",
          "Where NFS-Ganesha listens; :: as in ftps.listen. With an address of its own, nfs.check_address "
          "wants the same."},
         into(parse::address, FIELD(nfs.bind_address))},
        {{"nfs.exports_dir", "/etc/exports.d", "path", "Where the kernel server's exports(5) files go."},
         into(parse::absolute_path, FIELD(nfs.exports_dir))},
        {{"nfs.ganesha_executable", "/usr/bin/ganesha.nfsd", "path", "NFS-Ganesha."},
         into(parse::absolute_path, FIELD(nfs.ganesha_executable))},
        {{"nfs.dbus_executable", "/usr/bin/dbus-daemon", "path",
          "The private bus over which exports are changed. Empty, with nfs.server: ganesha: none is "
          "started; exports go to an NFS-Ganesha that runs as a service, over the system's bus."},
         into(parse::path_or_empty, FIELD(nfs.dbus_executable))},
        {{"nfs.ganesha_graceless", "false", "true, false",
          "true: no grace period after a restart. For tests: clients may lose locks."},
         into(parse::boolean, FIELD(nfs.ganesha_graceless))},

        {{"runai.url", "", "URL", "Run:ai control plane; empty: data sources are not registered."},
         into(parse::url_or_empty, FIELD(runai.url))},
        {{"runai.cluster", "runai-cluster", "name", "Cluster in Run:ai."},
         into(parse::text_or_empty, FIELD(runai.cluster))},
        {{"runai.client_id", "", "text", "Application (service account) in Run:ai."},
         into(parse::text_or_empty, FIELD(runai.client_id))},
        {{"runai.client_secret_file", "", "path",
          "File with its secret, readable by root only; or `$CREDENTIALS_DIRECTORY/NAME`, a credential of "
          "systemd (LoadCredential=)."},
         into(parse::secret_path, FIELD(runai.client_secret_file))},
        {{"runai.ca_bundle", "", "path", "Certificates to trust (PEM); empty: the system's."},
         into(parse::path_or_empty, FIELD(runai.ca_bundle))},
        {{"runai.insecure_skip_verify", "false", "true, false",
          "true: anybody can pose as Run:ai and take the secret. Never in production."},
         into(parse::boolean, FIELD(runai.insecure_skip_verify))},
        {{"runai.container_path", "/mnt/nfs", "path", "Where pods find the lab."},
         into(parse::absolute_path, FIELD(runai.container_path))},
        {{"runai.data_source_scope", "department", "department, project",
          "Of which scope a new lab's data source is, where nothing else is said; project: that of "
          "LAB-default-project, as site files name it."},
         into(choose::scope, FIELD(runai.data_source_scope))},
        {{"runai.request_timeout", "20s", "time", "Limit of one call."},
         into(duration(seconds(1), seconds(600)), FIELD(runai.request_timeout))},
        {{"runai.max_parallel", "4", "count", "Calls under way at once."},
         into(number(1, 64), FIELD(runai.max_parallel))},
    };
    return table;
}

}  // namespace stowage
