// How a process gives away what it does not need.
// Runs in: every process; each main() calls these first.
#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::privileges {

/// No core dumps, not dumpable (so no ptrace by the same uid and /proc/PID/mem is root's), umask 077.
void harden();
/// As many open files as the hard limit allows: sessions and transfers need one or two each.
void raise_descriptor_limit();

/// chroot(2) to `directory` and chdir to its root. Needs root. The path is opened without following symbolic
/// links.
Result<void> enter_root(const std::string& directory);

/// Supplementary groups dropped, gid and uid set (real, effective, saved), every capability but `keep`
/// removed from all sets including the bounding set, `keep` made ambient-free and effective; no_new_privs
/// set. Verified by reading back: Code::internal if anything is left. Asks the kernel only, no /proc: it is
/// right inside a chroot too.
/// @param keep capability numbers (CAP_NET_BIND_SERVICE …) that stay effective
Result<void> become(uid_t uid, gid_t gid, std::initializer_list<int> keep = {});

/// Whether a process may still map code: a library that is loaded after chroot would be one of the lab's.
enum class NewCode { allowed, refused };

/// What socket(2) may make: a family and one of its types, without flags; of its protocols the type's usual
/// one.
struct SocketKind {
    int family, type;
};

/// What setsockopt(2) may set: IPPROTO_TCP and TCP_NODELAY.
struct SocketOption {
    int level, option;
};

/// What a process may still ask the kernel for, beyond what every process of ours needs (memory, signals,
/// futex, clock, exit, read, write, close).
struct SystemCalls {
    std::vector<const char*> plain;        ///< names as in syscalls(2), whatever their arguments
    std::vector<SocketKind> sockets = {};  ///< socket(2) of another family or type kills
    std::vector<unsigned> ioctls = {};     ///< requests of ioctl(2)
    /// Of setsockopt(2); any other answers EPERM. Nothing here: all but SO_LINGER, which would make whoever
    /// the socket is passed to wait in close(2).
    std::optional<std::vector<SocketOption>> socket_options = {};
    bool threads = false;  ///< clone(2) of a thread; of a process it kills
    NewCode new_code = NewCode::refused;
};

/// Seccomp: only these. Any other answers EPERM; execve, fork, ptrace, mount, kexec, bpf and alike kill the
/// process, and so do requests of ioctl(2) that make subvolumes, change quotas' projects or file flags, or
/// type into terminals. NewCode::refused: mmap and mprotect with PROT_EXEC answer EPERM, so that dlopen(3)
/// fails.
Result<void> allow_only(const SystemCalls& calls);

/// A user or group by name, or by number (for machines where quickstart creates no accounts).
Result<uid_t> user_id(const std::string& name_or_number);
Result<gid_t> group_id(const std::string& name_or_number);

}  // namespace stowage::privileges
