// Pages of the manual, made from what the program itself knows.
// Runs in: CLI.
#pragma once

#include <string>

namespace stowage::cli {

/// stowage(1), from the tree of commands: deploy/man/stowage.1.
std::string commands_manual();

/// stowage.yaml(5), from the table of configuration keys: deploy/man/stowage.yaml.5.
std::string config_manual();

}  // namespace stowage::cli
