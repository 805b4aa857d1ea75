// The configuration of the gateway that a command talks to.
// Runs in: CLI. Distrusts: the gateway's answer.
#pragma once

#include "gateway/cli/commands.hpp"

namespace stowage::cli {

/// What --config names; else what the gateway at the socket runs with; else, where none answers and nobody
/// named a socket, the default file. --set goes before each. Code::config, or why the gateway at a named
/// socket does not tell.
Result<Config> config_beside(const Context& context, const ConfigChoice& choice);

/// Code::config when the gateway at the socket keeps its state elsewhere than `config` says: files of one
/// gateway and answers of another are never put together.
Result<void> check_same_gateway(const Context& context, const Config& config);

}  // namespace stowage::cli
