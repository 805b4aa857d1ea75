// Which system calls the front still needs after it has narrowed itself.
// Runs in: front.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "gateway/base/privileges.hpp"

namespace stowage::ftps {

/// Sockets that it accepts or is given, and nothing else: no file, no thread, no socket of its own.
inline privileges::SystemCalls front_system_calls() {
    privileges::SystemCalls calls;
    calls.plain = {"pread64", "accept4", "getsockname", "getsockopt", "recvfrom",
                   "recvmsg", "sendto",  "sendmsg",     "shutdown"};
    // Its listeners are those of the next front too: a filter that is locked in would stay.
    calls.socket_options = {{SOL_SOCKET, SO_KEEPALIVE},   {IPPROTO_TCP, TCP_NODELAY},
                            {IPPROTO_TCP, TCP_KEEPIDLE},  {IPPROTO_TCP, TCP_KEEPCNT},
                            {IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_CORK}};
    calls.ioctls = {FIONBIO, FIONREAD};
    return calls;
}

}  // namespace stowage::ftps
