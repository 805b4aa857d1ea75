// The gateway's configuration: one table of keys, read once by the supervisor, handed on as a sealed memfd.
// Runs in: every process.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/fd.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/result.hpp"

namespace stowage {

enum class QuotaChoice { automatic, btrfs, xfs, ext4, cephfs, none };
enum class NfsServer { automatic, kernel, ganesha };
enum class Durability { full, none };
enum class Resumption { required, optional };
/// What becomes of a difference that somebody else made to what is ours.
enum class DriftPolicy { repair, report };
enum class UploadHashing { sha256, none };

/// What is told to clients of one network in PASV replies.
struct PasvAddress {
    std::string network;  ///< canonical
    std::string address;  ///< IPv4; empty: the one that the client reached
};

/// As they are written: "full", "required", …
std::string_view to_string(Durability durability);
std::string_view to_string(Resumption resumption);

/// Typed values; keys, defaults, units and documentation stand in config.cpp's table.
struct Config {
    std::string state_dir, run_dir;
    log::Level log_level{};
    std::chrono::seconds drain_timeout{};

    struct {
        std::string controller_user, front_user, admin_group;
        std::string libexec_dir;  // empty: where the supervisor's executable lies
    } process;
    struct {
        std::string root;
        std::uint32_t uid_min{}, uid_max{};
        QuotaChoice quota_backend{};
        DriftPolicy drift{};
        std::uint64_t default_quota_bytes{}, default_quota_inodes{};
        std::vector<std::string> default_clients;
    } labs;
    struct {
        std::vector<std::string> listen;        // addresses; "::" is dual stack
        std::uint16_t port{}, implicit_port{};  // 0 in the configuration: off for implicit
        std::uint16_t passive_port_min{}, passive_port_max{};
        std::vector<PasvAddress> pasv_addresses;  // the narrowest network first; "0.0.0.0/0" is everybody
        bool active_mode{};
        std::vector<std::string> proxy_networks;  // canonical; from here PROXY protocol v2 is spoken
        std::string certificate, private_key, ocsp_response;
        std::string alias;  // "/mnt/nfs": another name of "/"
        Durability durability{};
        UploadHashing upload_hash{};
        Resumption data_tls_resumption{};
        bool same_control_connection{};
        std::chrono::seconds idle_timeout{}, login_timeout{}, data_timeout{}, failed_login_time{};
        std::chrono::seconds partial_expiry{};
        std::uint32_t max_sessions{}, max_sessions_per_address{}, max_sessions_per_user{};
        std::uint32_t max_sessions_per_lab{}, max_logins_per_address{}, max_transfers_per_lab{};
        std::uint32_t ban_after{};  // 0: never
        std::chrono::seconds ban_window{}, ban_time{}, max_login_delay{};
        std::vector<std::string> never_ban;
        std::chrono::seconds worker_idle_timeout{};
    } ftps;
    struct {
        std::string pam_service, pam_confdir, password_file;
    } accounts;
    struct {
        NfsServer server{};
        std::string address;        // as pods see this node; goes into the data source
        std::string check_address;  // where the mount check connects
        std::uint16_t port{};
        std::string security{"sys"};             // sec= of the exports
        std::string transport_security{"none"};  // xprtsec=
        bool v3{};
        std::string bind_address;
        std::string exports_dir;  // kernel nfsd
        std::string ganesha_executable, dbus_executable;
        bool ganesha_graceless{};
    } nfs;
    struct {
        std::string url;  // empty: Run:ai is not used
        std::string cluster, client_id, client_secret_file, ca_bundle;
        bool insecure_skip_verify{};
        std::string container_path;
        std::string data_source_scope;  // department | project
        std::chrono::seconds request_timeout{};
        std::uint32_t max_parallel{};
    } runai;
    std::chrono::seconds reconcile_interval{};
};

/// One row of the table, for `stowage check`, the reference page and --set.
struct ConfigKey {
    std::string_view key, default_text, unit, doc;
};
const std::vector<ConfigKey>& config_keys();

/// Where a value came from, for error texts: "/etc/stowage/stowage.yaml:12", "--set", "default".
struct ConfigValue {
    std::string text, origin;
};
using ConfigValues = std::map<std::string, ConfigValue, std::less<>>;

/// Parses and checks everything, defaults included. Code::config with every problem found, one per line, each
/// with origin, key, value and remedy; an unknown key names the nearest known one.
Result<Config> parse_config(const ConfigValues& values);

/// The lines `key=value` of all keys: what the sealed memfd holds.
std::string to_text(const ConfigValues& values);
Result<ConfigValues> values_from_text(std::string_view text);

/// A sealed memfd (no write, grow or shrink) with `text`, close-on-exec.
Result<Fd> seal(std::string_view name, std::string_view text);
/// The whole text behind a descriptor, from its start, at most 1 MiB.
Result<std::string> read_sealed(const Fd& fd);

}  // namespace stowage
