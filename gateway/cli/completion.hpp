// The completion script for bash, inside the executable.
// Runs in: CLI.
#pragma once

#include <string_view>

namespace stowage::cli {

/// The text of deploy/completions/stowage.
std::string_view bash_completion();

}  // namespace stowage::cli
