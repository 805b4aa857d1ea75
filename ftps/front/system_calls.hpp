// Which system calls the front still needs after it has narrowed itself.
// Runs in: front.
#pragma once

#include <sys/ioctl.h>

#include "gateway/base/privileges.hpp"

namespace stowage::ftps {

/// Sockets that it accepts or is given, and nothing else: no file, no thread, no socket of its own.
inline privileges::SystemCalls front_system_calls() {
    privileges::SystemCalls calls;
    calls.plain = {"pread64",  "accept4", "getsockname", "getsockopt", "setsockopt",
                   "recvfrom", "recvmsg", "sendto",      "sendmsg",    "shutdown"};
    calls.ioctls = {FIONBIO, FIONREAD};
    return calls;
}

}  // namespace stowage::ftps
