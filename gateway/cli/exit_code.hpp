// The exit codes of `stowage`: the one table.
// Runs in: CLI.
#pragma once

#include "gateway/base/result.hpp"

namespace stowage::cli {

enum class Exit : int {
    done = 0,
    failed = 1,
    usage = 2,    ///< the command line is wrong
    pending = 3,  ///< not everything converged; for `plan`: changes are pending
    config = 78,  ///< EX_CONFIG of sysexits.h: the configuration or the site file is wrong
};

/// What a refusal ends the process with.
Exit exit_for(Code code);

}  // namespace stowage::cli
