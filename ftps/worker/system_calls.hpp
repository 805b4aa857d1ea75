// Which system calls a worker still needs after it has narrowed itself.
// Runs in: worker.
#pragma once

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "gateway/base/privileges.hpp"

namespace stowage::ftps {

/// Transfers have threads, sessions have sockets of TCP, and all else is files of the lab.
inline privileges::SystemCalls system_calls() {
    privileges::SystemCalls calls;
    calls.plain = {
        // files of the lab
        "openat",
        "openat2",
        "statx",
        "faccessat2",
        "getdents64",
        "readlinkat",
        "mkdirat",
        "unlinkat",
        "renameat",
        "renameat2",
        // what archives hold, their place, and all of it on disk
        "symlinkat",
        "linkat",
        "flock",
        "syncfs",
        "fchmod",
        "fchmodat",
        "utimensat",
        "ftruncate",
        "fsync",
        "fstatfs",
        "sync_file_range",
        "copy_file_range",
        "sendfile",
        "fadvise64",
        "pread64",
        "pwrite64",
        "fsetxattr",
        "fgetxattr",
        "fremovexattr",
        "dup",
        "open",
        // sockets: sessions, data connections
        "bind",
        "listen",
        "accept",
        "accept4",
        "connect",
        "getsockname",
        "getpeername",
        "getsockopt",
        "shutdown",
        "sendmsg",
        "recvmsg",
        "sendto",
        "recvfrom",
    };
    calls.sockets = {{AF_INET, SOCK_STREAM}, {AF_INET6, SOCK_STREAM}};
    // blocking mode, bytes to read, bytes not yet acknowledged
    calls.ioctls = {FIONBIO, FIONREAD, TIOCOUTQ};
    // The last two are OpenSSL's, which gives the kernel the keys of a download (kTLS).
    calls.socket_options = {{SOL_SOCKET, SO_RCVTIMEO},   {SOL_SOCKET, SO_SNDTIMEO},
                            {SOL_SOCKET, SO_REUSEADDR},  {IPPROTO_TCP, TCP_NODELAY},
                            {IPPROTO_TCP, TCP_QUICKACK}, {IPPROTO_TCP, TCP_CORK},
                            {IPPROTO_TCP, TCP_ULP},      {SOL_TLS, TLS_TX}};
    calls.threads = true;
    return calls;
}

}  // namespace stowage::ftps
