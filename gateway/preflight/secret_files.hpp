// The secrets that the supervisor reads at start, and what is wrong with their files.
// Runs in: supervisor, CLI. Distrusts: owners, modes and sizes.
#pragma once

#include "gateway/base/config.hpp"
#include "gateway/base/secret.hpp"

namespace stowage {

/// Where the Run:ai application's secret is: of a credential, below $CREDENTIALS_DIRECTORY, or where systemd
/// keeps those of stowage.service when this is another process.
std::string runai_secret_path(const Config& config);
/// True if systemd brings it: then it is not in a backup.
bool is_credential(const std::string& client_secret_file);

/// The Run:ai application's secret without the file's last line end; empty when no file is configured.
/// Code::config for a file that others may read or that holds nothing, Code::not_found, Code::denied.
Result<Secret> read_runai_secret(const Config& config);

/// The secret behind the labs' keys for kept file hashes. Code::not_found before the first start.
Result<Secret> read_hash_secret(const std::string& state_dir);
std::string hash_secret_path(const std::string& state_dir);

inline constexpr std::size_t hash_secret_bytes = 32;

}  // namespace stowage
