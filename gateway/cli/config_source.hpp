// The configuration that a command works with: a file, and settings of the command line over it.
// Runs in: CLI. Distrusts: the file.
#pragma once

#include <string>

#include "gateway/base/config.hpp"

namespace stowage::cli {

/// --config and --set as they were given.
struct ConfigChoice {
    std::string file = {};       ///< empty: the default file, if it is there
    ConfigValues settings = {};  ///< go before the file
};

struct ConfigSource {
    ConfigValues values;
    std::string name;  ///< the file, or words for the built-in defaults
    bool is_file = false;
};

/// Code::config when the file is wrong, or when one that was named is not there.
Result<ConfigSource> read_config_source(const ConfigChoice& choice);

}  // namespace stowage::cli
