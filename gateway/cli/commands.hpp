// Every command of `stowage` with its checked arguments, and the functions that do them.
// Runs in: CLI.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gateway/cli/config_source.hpp"
#include "gateway/cli/control_client.hpp"
#include "gateway/cli/exit_code.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

struct LabCreate {
    std::string name;
    std::optional<std::uint64_t> quota_bytes = {}, quota_inodes = {};  ///< 0: no limit
    std::vector<std::string> clients = {};                  ///< canonical; empty: the gateway's default
    std::string durability = {}, data_tls_resumption = {};  ///< checked words; empty: not given
    std::string client_ca_file = {};
};
/// What is not given stays as it is.
struct LabSet {
    LabCreate wanted;
    bool without_client_ca = false;
};
struct LabList {
    bool names_only = false;
};
struct LabShow {
    std::string name;
};
struct LabDelete {
    std::string name;
    bool purge_data = false;
    std::string confirm = {};
};
/// Where a password comes from and goes to.
struct PasswordChoice {
    bool from_stdin = false;
    std::string secrets_file = {};
};
struct UserAdd {
    std::string name, lab;
    PasswordChoice password = {};
    // Of an email address, where Run:ai is used:
    std::string project = {};             ///< empty: the lab's own
    std::vector<std::string> roles = {};  ///< empty: the usual ones
    bool ftps_only = false;
};
struct UserPasswd {
    std::string name;
    PasswordChoice password = {};
};
struct UserList {
    std::string lab = {};
    bool names_only = false;
};
struct UserRemove {
    std::string name;
};
struct Sessions {
    std::string lab = {}, user = {};  ///< empty: all
};
struct SessionKill {
    std::uint64_t session;
};
struct NfsClients {
    std::string lab = {};  ///< empty: all
};
struct BanList {};
struct BanClear {
    std::string address = {};  ///< empty: all
};
struct Status {
    bool metrics = false;
};
struct Verify {
    std::string lab;
    bool repair = false;  ///< set right first what somebody else changed
};
struct Check {
    ConfigChoice config = {};
    std::string site_file = {};  ///< a site file to be looked at instead
};
struct TlsInstall {
    std::string certificate_file, key_file;
    std::vector<std::string> names = {};  ///< that it must be for; empty: one of this host's
    ConfigChoice config = {};
};
struct TlsShow {
    ConfigChoice config = {};
};
struct Backup {
    std::string folder;
    ConfigChoice config = {};
};
struct Restore {
    std::string folder;
    bool replace = false;  ///< what is there already
    ConfigChoice config = {};
};
struct Plan {
    std::string file;
    bool adopt = false;
};
struct Apply {
    std::string file, secrets_file = {};
    bool adopt = false;
};
struct Prune {
    std::string file;
    std::optional<std::uint64_t> confirm = {};  ///< how many things, instead of being asked
};
struct Doctor {
    ConfigChoice config = {};
    bool fix = false;
};
struct Secrets {
    std::string secrets_file = {};
};
struct Completion {};
struct ConfigReference {};
struct ConfigExample {};
struct Manual {
    std::string page;  ///< "stowage" or "stowage.yaml"
};
struct Version {};

using Command = std::variant<LabCreate, LabSet, LabList, LabShow, LabDelete, UserAdd, UserPasswd, UserList,
                             UserRemove, Sessions, SessionKill, NfsClients, BanList, BanClear, Status, Verify,
                             Check, Plan, Apply, Prune, Doctor, Secrets, TlsInstall, TlsShow, Backup, Restore,
                             Completion, ConfigReference, ConfigExample, Manual, Version>;

/// What a command works with.
struct Context {
    ControlClient gateway;
    Console console;
    bool socket_was_named = false;  ///< by --socket or STOWAGE_SOCKET
};

// Each does its command and writes its output; an Error is for main() to print. They block.
Result<Exit> run(const LabCreate& command, Context& context);
Result<Exit> run(const LabSet& command, Context& context);
Result<Exit> run(const LabList& command, Context& context);
Result<Exit> run(const LabShow& command, Context& context);
Result<Exit> run(const LabDelete& command, Context& context);
Result<Exit> run(const UserAdd& command, Context& context);
Result<Exit> run(const UserPasswd& command, Context& context);
Result<Exit> run(const UserList& command, Context& context);
Result<Exit> run(const UserRemove& command, Context& context);
Result<Exit> run(const Sessions& command, Context& context);
Result<Exit> run(const SessionKill& command, Context& context);
Result<Exit> run(const NfsClients& command, Context& context);
Result<Exit> run(const BanList& command, Context& context);
Result<Exit> run(const BanClear& command, Context& context);
Result<Exit> run(const Status& command, Context& context);
Result<Exit> run(const Verify& command, Context& context);
Result<Exit> run(const Check& command, Context& context);
Result<Exit> run(const Plan& command, Context& context);
Result<Exit> run(const Apply& command, Context& context);
Result<Exit> run(const Prune& command, Context& context);
Result<Exit> run(const Doctor& command, Context& context);
Result<Exit> run(const Secrets& command, Context& context);
Result<Exit> run(const TlsInstall& command, Context& context);
Result<Exit> run(const TlsShow& command, Context& context);
Result<Exit> run(const Backup& command, Context& context);
Result<Exit> run(const Restore& command, Context& context);
Result<Exit> run(const Completion& command, Context& context);
Result<Exit> run(const ConfigReference& command, Context& context);
Result<Exit> run(const ConfigExample& command, Context& context);
Result<Exit> run(const Manual& command, Context& context);
Result<Exit> run(const Version& command, Context& context);

}  // namespace stowage::cli
