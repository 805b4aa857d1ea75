// Which system calls a worker still needs after it has narrowed itself.
// Runs in: worker.
#pragma once

#include <vector>

namespace stowage::ftps {

/// Names for privileges::allow_only(), beyond what it always allows.
inline std::vector<const char*> system_calls() {
    return {
        // threads of transfers
        "clone",
        "exit",
        "prctl",
        "set_tid_address",
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
        "syncfs",
        "sync_file_range",
        "copy_file_range",
        "fadvise64",
        "pread64",
        "pwrite64",
        "fsetxattr",
        "fgetxattr",
        "fremovexattr",
        "dup",
        "umask",
        "open",
        // sockets: sessions, data connections
        "socket",
        "bind",
        "listen",
        "accept",
        "accept4",
        "connect",
        "getsockname",
        "getpeername",
        "setsockopt",
        "getsockopt",
        "shutdown",
        "sendmsg",
        "recvmsg",
        "sendto",
        "recvfrom",
        // blocking mode of sockets, bytes not yet acknowledged
        "ioctl",
    };
}

}  // namespace stowage::ftps
