// From our process to another program, with nothing of ours but what it is given.
// Runs in: supervisor.
#pragma once

#include <sys/types.h>

#include "gateway/base/result.hpp"

namespace stowage::supervisor {

struct ProcessSpec;

struct ChildStart {
    const ProcessSpec& spec;
    int channel;  ///< becomes descriptor 3
    int log;      ///< becomes standard error
    char* const* arguments;
    char* const* environment;
};

/// Blocks until the child is another program or has failed at it; nothing else runs in this thread
/// meanwhile. A child that fails ends with 125 (its limits), 126 (its descriptors) or 127 (exec). Not
/// for two threads at once. Errors of open(2), dup(2) and clone(2).
Result<pid_t> start_child(const ChildStart& start);

}  // namespace stowage::supervisor
