// Saying once what went wrong.
// Runs in: CLI.
#pragma once

#include "gateway/cli/exit_code.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

/// Writes error_text() to standard error, with --json also {"error":{code,what,remedy}} to standard output.
Exit report(const Console& console, const Error& error);

}  // namespace stowage::cli
