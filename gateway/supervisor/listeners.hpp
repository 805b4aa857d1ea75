// The sockets that outlive their processes: FTPS ports and the control socket.
// Runs in: supervisor.
#pragma once

#include <sys/types.h>

#include <vector>

#include "gateway/base/config.hpp"

namespace stowage::supervisor {

struct BoundListener {
    bool implicit_tls = false;
    Fd socket;
};

/// Binds and listens on every configured address and port. Code::config naming address and port when one is
/// taken.
Result<std::vector<BoundListener>> bind_ftps(const Config& config);

/// It is the same socket for all fronts: one that was taken over may have shut it down.
Result<void> listen_again(const BoundListener& listener);

/// The control socket `<run_dir>/control.sock`, 0660, owned by root and `admin_gid`. A socket file that
/// nobody serves is replaced.
Result<Fd> bind_control(const Config& config, gid_t admin_gid);

}  // namespace stowage::supervisor
