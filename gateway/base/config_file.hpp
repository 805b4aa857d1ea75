// stowage.yaml into ConfigValues.
// Runs in: supervisor (as root, on a root-owned file), CLI (`stowage check`).
#pragma once

#include "gateway/base/config.hpp"

namespace stowage {

/// Nested maps become dotted keys, sequences comma-joined values. Code::config with file:line for syntax
/// errors, duplicate keys, unknown keys and values that are not scalars; Code::not_found when there is no
/// file. Refuses a file that others than root (or the caller) may write.
Result<ConfigValues> read_config_file(const std::string& path);

/// The default file of every process.
inline constexpr std::string_view default_config_file = "/etc/stowage/stowage.yaml";

/// What --set KEY=VALUE says, each once or more often; the last counts. Code::usage.
Result<ConfigValues> parse_settings(const std::vector<std::string>& settings);

}  // namespace stowage
