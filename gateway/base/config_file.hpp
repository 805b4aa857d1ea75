// stowage.yaml into ConfigValues.
// Runs in: supervisor (as root, on a root-owned file), CLI (`stowage check`).
#pragma once

#include "gateway/base/config.hpp"

namespace stowage {

/// Nested maps become dotted keys, sequences comma-joined values. Code::config with file:line for syntax
/// errors, duplicate keys, unknown keys and values that are not scalars; Code::not_found when there is no
/// file. Refuses a file that others than root (or the caller) may write.
Result<ConfigValues> read_config_file(const std::string& path);

/// Where the supervisor publishes what it was configured with, for commands that know its socket alone:
/// root's file beside the socket. No process that talks to the network can say what stands there. There is no
/// secret in it.
std::string published_config(const std::string& run_dir);

/// That file; errors as read_config_file().
Result<ConfigValues> read_published_config(const std::string& run_dir);

/// The default file of every process.
inline constexpr std::string_view default_config_file = "/etc/stowage/stowage.yaml";

/// What --set KEY=VALUE says, each once or more often; the last counts. Code::usage.
Result<ConfigValues> parse_settings(const std::vector<std::string>& settings);

}  // namespace stowage
