// Which system calls the controller still needs after it has narrowed itself.
// Runs in: controller.
#pragma once

#include <sys/ioctl.h>
#include <sys/socket.h>

#include "gateway/base/privileges.hpp"

namespace stowage::controller {

/// The database's files; memory that is handed to the supervisor sealed; TCP to Run:ai, the NFS server and
/// the command line; names by DNS, which glibc asks on a thread of its own, through libraries that it loads
/// when it knows which.
inline privileges::SystemCalls system_calls() {
    privileges::SystemCalls calls;
    calls.plain = {"openat",    "pread64",   "pwrite64",    "fsync",       "fdatasync",   "ftruncate",
                   "fallocate", "unlink",    "access",      "faccessat",   "faccessat2",  "stat",
                   "lstat",     "statx",     "readlink",    "readlinkat",  "getcwd",      "fchmod",
                   "fchown",    "flock",     "statfs",      "fstatfs",     "connect",     "bind",
                   "accept4",   "accept",    "getsockname", "getpeername", "getsockopt",  "sendto",
                   "recvfrom",  "sendmsg",   "recvmsg",     "sendmmsg",    "shutdown",    "getdents64",
                   "sysinfo",   "getrlimit", "pipe2",       "geteuid",     "memfd_create"};
    calls.sockets = {{AF_INET, SOCK_STREAM}, {AF_INET, SOCK_DGRAM},  {AF_INET6, SOCK_STREAM},
                     {AF_INET6, SOCK_DGRAM}, {AF_UNIX, SOCK_STREAM}, {AF_UNIX, SOCK_DGRAM},
                     {AF_NETLINK, SOCK_RAW}};
    calls.ioctls = {FIONBIO, FIONREAD, TIOCOUTQ};
    calls.threads = true;
    calls.new_code = privileges::NewCode::allowed;
    return calls;
}

}  // namespace stowage::controller
