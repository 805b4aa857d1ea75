// Where the gateway listens for this command.
// Runs in: CLI.
#pragma once

#include <string>

namespace stowage::cli {

/// control.sock in run_dir of the default configuration file, or of the built-in default where that file
/// cannot be read: not everybody who may talk to the gateway may read its configuration.
std::string default_socket_path();

}  // namespace stowage::cli
