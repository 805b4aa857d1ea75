// The supervisor's command line into a checked configuration.
// Runs in: supervisor.
#pragma once

#include "gateway/base/config.hpp"

namespace stowage::supervisor {

struct Options {
    ConfigValues values;
    Config config;
};

/// `--config FILE`, `--set KEY=VALUE`…; without --config, /etc/stowage/stowage.yaml if it is there. Prints
/// help or version and exits for --help and --version. Code::usage or Code::config with everything that is
/// wrong.
Result<Options> read_options(int argc, char** argv);

}  // namespace stowage::supervisor
