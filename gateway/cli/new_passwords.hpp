// Passwords on their way to new accounts, and their one showing.
// Runs in: CLI.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/cli/commands.hpp"
#include "gateway/cli/secrets_file.hpp"

namespace stowage::cli {

struct NewPassword {
    std::string user, lab;
    Secret password;
};

/// The secrets file, if one is wanted.
Result<std::optional<SecretsFile>> open_secrets_file(const std::string& path);

/// Shows passwords once: a table, or one JSON line {"event":"passwords","users":[{name,lab,password}]}.
/// @param in_doubt says that the accounts may not have been made
void show_passwords(const Console& console, const std::vector<NewPassword>& passwords, bool in_doubt);

}  // namespace stowage::cli
