// The configuration of the gateway that a command is told the socket of. The supervisor says it, root's
// process: what `tls install` writes as root does not depend on the controller's word. Runs in: CLI.
#pragma once

#include "gateway/cli/commands.hpp"

namespace stowage::cli {

/// What --config names; else what the gateway at the socket runs with; else, where none runs and nobody named
/// a socket, the default file. --set goes before each. Code::config, or why it cannot be read of a named
/// socket.
Result<Config> config_beside(const Context& context, const ConfigChoice& choice);

/// Code::config when the gateway at the socket keeps its state elsewhere than `config` says: files of one
/// gateway and answers of another are never put together.
Result<void> check_same_gateway(const Context& context, const Config& config);

}  // namespace stowage::cli
