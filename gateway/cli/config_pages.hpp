// The configuration's reference page and example file, printed from the table of keys.
// Runs in: CLI.
#pragma once

#include <string>

namespace stowage::cli {

/// deploy/docs/configuration.md
std::string config_reference_page();

/// deploy/examples/stowage.yaml: every key with its default, commented out.
std::string config_example_file();

}  // namespace stowage::cli
