// The gateway that runs on a state, as root sees it: without its control socket.
// Runs in: CLI (as root). Distrusts: nothing in state_dir that only root can write.
#pragma once

#include <sys/types.h>

#include "gateway/base/config.hpp"
#include "gateway/base/fd.hpp"

namespace stowage::cli {

/// Code::denied for everybody but root, naming what is asked for.
Result<void> need_root(std::string_view what);

/// Takes the supervisor's lock on the state, so that no gateway starts while it is held. Code::in_use when
/// one runs.
Result<Fd> lock_out_gateway(const Config& config);

/// Has the gateway read its certificate again (SIGHUP), and waits until it has published `chain_pem` as what
/// it serves. False when no gateway runs. Code::timeout when it does not take it: its log says why.
Result<bool> reload_certificate(const Config& config, std::string_view chain_pem);

}  // namespace stowage::cli
