// Where the gateway listens for this command.
// Runs in: CLI.
#pragma once

#include <string>
#include <string_view>

namespace stowage::cli {

inline constexpr std::string_view default_config_file = "/etc/stowage/stowage.yaml";

/// control.sock in run_dir of the default configuration file, or of the built-in default where that file
/// cannot be read: not everybody who may talk to the gateway may read its configuration.
std::string default_socket_path();

}  // namespace stowage::cli
