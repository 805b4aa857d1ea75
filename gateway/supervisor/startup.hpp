// Everything that must be there before the first child starts.
// Runs in: supervisor.
#pragma once

#include "gateway/supervisor/context.hpp"
#include "gateway/supervisor/listeners.hpp"

namespace stowage::supervisor {

/// Ids and sockets found or made at start.
struct Foundation {
    uid_t controller_uid = 0, front_uid = 0;
    gid_t controller_gid = 0, front_gid = 0, admin_gid = 0;
    Fd state_lock;
    std::vector<BoundListener> ftps;
    Fd control_socket;
    Fd runai_secret;  ///< sealed memfd; empty without runai.client_secret_file
};

/// Folders, the lock on the state, ids, certificate, ports. Each refusal is an Error for the admin: nothing
/// was started, and what was made (folders, a self-signed certificate) serves the next start.
Result<Foundation> prepare(Context& context);

/// Turns nfs.server `auto` into what it means here, in `values` and `config` both, so that every process
/// agrees. Code::unsupported when that server cannot run here.
Result<void> settle_nfs_server(ConfigValues& values, Config& config);

/// What preflight() finds wrong, all of it in one Error; warnings are logged.
Result<void> check_machine(const Config& config);

/// Removes from the run directory what this start made.
void clear_run_dir(const Config& config);

}  // namespace stowage::supervisor
