// The system call filter.
// Runs in: front, worker, controller.
#include <linux/sched.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "gateway/base/privileges.hpp"
#include "gateway/base/sanitizer_calls.hpp"

namespace stowage::privileges {

namespace {

// What every process of ours, its C++ runtime and its allocator need, on x86-64 and arm64.
constexpr const char* always[] = {
    "read",
    "write",
    "readv",
    "writev",
    "close",
    "close_range",
    "exit",
    "exit_group",
    "futex",
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "rt_sigreturn",
    "sigaltstack",
    "rt_sigprocmask",
    "rt_sigaction",
    "clock_gettime",
    "clock_nanosleep",
    "clock_getres",
    "gettimeofday",
    "time",
    "nanosleep",
    "getpid",
    "gettid",
    "getrandom",
    "restart_syscall",
    "sched_yield",
    "sched_getaffinity",
    "tgkill",
    "rseq",
    "set_robust_list",
    "get_robust_list",
    "membarrier",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_ctl",
    "epoll_create1",
    "eventfd2",
    "poll",
    "ppoll",
    "timerfd_create",
    "timerfd_settime",
    "fcntl",
    "lseek",
    "fstat",
    "newfstatat",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "prlimit64",
    "uname",
};

// Never by mistake, only by somebody who has taken over: the process dies on the spot.
constexpr const char* deadly[] = {
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "bpf",
    "kexec_load",
    "init_module",
    "finit_module",
    "delete_module",
    "setuid",
    "setgid",
    "setresuid",
    "setresgid",
    "setgroups",
    "unshare",
    "setns",
    "open_by_handle_at",
    "userfaultfd",
    "perf_event_open",
    "keyctl",
    "add_key",
    "reboot",
    "swapon",
};

// The requests of whole filesystems' and terminals' families.
constexpr unsigned family_mask = 0xff00, request_mask = 0xffffffff;
constexpr unsigned deadly_families[] = {
    0x9400,  // btrfs: subvolumes and qgroups beside the lab's; also clones, which copy_file_range(2) makes
    0x6600,  // FS_IOC_SETFLAGS and alike
    0x5800,  // XFS, and FS_IOC_FSSETXATTR: another project has another quota
};
constexpr unsigned deadly_requests[] = {TIOCSTI, TIOCLINUX, TIOCSCTTY};
constexpr int deadly_options[] = {PR_SET_DUMPABLE, PR_SET_PTRACER,    PR_SET_MM,
                                  PR_CAP_AMBIENT,  PR_SET_SECUREBITS, PR_SET_SECCOMP};

struct FilterDeleter {
    void operator()(void* filter) const { seccomp_release(filter); }
};

Result<void> add(void* filter, std::uint32_t action, const char* name) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return Error{Code::internal, std::string("no such system call: ") + name};
    if (number < 0) return {};  // known, but not on this architecture
    const int added = seccomp_rule_add(filter, action, number, 0);
    if (added != 0) return system_error(-added, std::string("seccomp rule for ") + name);
    return {};
}

/// `action` for calls whose arguments are as the comparisons say.
Result<void> add(void* filter, std::uint32_t action, const char* name,
                 const std::vector<scmp_arg_cmp>& arguments) {
    const int number = seccomp_syscall_resolve_name(name);
    const int added = seccomp_rule_add_array(filter, action, number, static_cast<unsigned>(arguments.size()),
                                             arguments.data());
    if (added != 0) return system_error(-added, std::string("seccomp rule for the arguments of ") + name);
    return {};
}

/// Arguments of 32 bits: the kernel looks at no others, so the filter must not either.
scmp_arg_cmp is(unsigned position, std::uint64_t mask, std::uint64_t value) {
    return {position, SCMP_CMP_MASKED_EQ, mask, value};
}

/// mmap(2) and mprotect(2) have their protection as third argument.
Result<void> add_memory(void* filter, NewCode new_code) {
    for (const auto* name : {"mmap", "mprotect"})
        CHECK(new_code == NewCode::allowed ? add(filter, SCMP_ACT_ALLOW, name)
                                           : add(filter, SCMP_ACT_ALLOW, name, {is(2, PROT_EXEC, 0)}));
    return {};
}

/// Besides 0, which is the same.
std::uint64_t usual_protocol(int family, int type) {
    if (family != AF_INET && family != AF_INET6) return 0;
    return type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : 0;
}

Result<void> add_sockets(void* filter, const std::vector<SocketKind>& kinds) {
    constexpr int last_family = 46, last_type = SOCK_PACKET;
    constexpr std::uint64_t type_mask = 0xf;  // the rest are SOCK_NONBLOCK and SOCK_CLOEXEC
    const auto allowed = [&](int family, int type) {
        return std::any_of(kinds.begin(), kinds.end(), [&](const SocketKind& kind) {
            return kind.family == family && (type < 0 || kind.type == type);
        });
    };
    for (int family = 0; family <= last_family; ++family) {
        const auto of_family = is(0, request_mask, static_cast<std::uint64_t>(family));
        if (!allowed(family, -1)) {
            CHECK(add(filter, SCMP_ACT_KILL_PROCESS, "socket", {of_family}));
            continue;
        }
        for (int type = 0; type <= last_type; ++type) {
            const auto of_type = is(1, type_mask, static_cast<std::uint64_t>(type));
            if (!allowed(family, type)) {
                CHECK(add(filter, SCMP_ACT_KILL_PROCESS, "socket", {of_family, of_type}));
                continue;
            }
            CHECK(add(filter, SCMP_ACT_ALLOW, "socket", {of_family, of_type, is(2, request_mask, 0)}));
            // A stream of another protocol is MPTCP's, SCTP's or SMC's: more of the kernel than we use.
            if (const auto usual = usual_protocol(family, type))
                CHECK(
                    add(filter, SCMP_ACT_ALLOW, "socket", {of_family, of_type, is(2, request_mask, usual)}));
        }
    }
    return {};
}

Result<void> add_socket_options(void* filter, const std::optional<std::vector<SocketOption>>& options) {
    constexpr const char* call = "setsockopt";
    if (options) {
        for (const auto& [level, option] : *options)
            CHECK(add(filter, SCMP_ACT_ALLOW, call,
                      {is(1, request_mask, static_cast<std::uint64_t>(level)),
                       is(2, request_mask, static_cast<std::uint64_t>(option))}));
        return {};
    }
    // There is no rule for "another than": level or option differ in one bit at least.
    for (unsigned bit = 0; bit < 32; ++bit) {
        const std::uint64_t mask = 1ul << bit;
        CHECK(add(filter, SCMP_ACT_ALLOW, call, {is(1, mask, ~std::uint64_t{SOL_SOCKET} & mask)}));
        CHECK(add(filter, SCMP_ACT_ALLOW, call, {is(2, mask, ~std::uint64_t{SO_LINGER} & mask)}));
    }
    return {};
}

Result<void> add_ioctls(void* filter, const std::vector<unsigned>& requests) {
    for (const auto request : requests)
        CHECK(add(filter, SCMP_ACT_ALLOW, "ioctl", {is(1, request_mask, request)}));
    for (const auto request : deadly_requests)
        CHECK(add(filter, SCMP_ACT_KILL_PROCESS, "ioctl", {is(1, request_mask, request)}));
    for (const auto family : deadly_families)
        CHECK(add(filter, SCMP_ACT_KILL_PROCESS, "ioctl", {is(1, family_mask, family)}));
    return {};
}

Result<void> add_threads(void* filter, bool allowed) {
    constexpr std::uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                         CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    // glibc asks for clone3 first and goes on with clone when it is told ENOSYS, which a filter can look
    // into.
    CHECK(add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3"));
    if (!allowed) return add(filter, SCMP_ACT_KILL_PROCESS, "clone");
    CHECK(add(filter, SCMP_ACT_KILL_PROCESS, "clone", {is(0, CLONE_THREAD, 0)}));
    CHECK(add(filter, SCMP_ACT_ALLOW, "clone", {is(0, CLONE_THREAD | namespaces, CLONE_THREAD)}));
    CHECK(add(filter, SCMP_ACT_ALLOW, "set_tid_address"));
    return add(filter, SCMP_ACT_ALLOW, "prctl", {is(0, request_mask, PR_SET_NAME)});
}

}  // namespace

Result<void> allow_only(const SystemCalls& calls) {
    std::unique_ptr<void, FilterDeleter> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) return Error{Code::internal, "seccomp_init failed"};
    for (const auto* name : always)
        CHECK(add(filter.get(), SCMP_ACT_ALLOW, name));
    for (const auto* name : sanitizer_calls)
        CHECK(add(filter.get(), SCMP_ACT_ALLOW, name));
    for (const auto* name : calls.plain)
        CHECK(add(filter.get(), SCMP_ACT_ALLOW, name));
    for (const auto* name : deadly)
        CHECK(add(filter.get(), SCMP_ACT_KILL_PROCESS, name));
    for (const auto option : deadly_options)
        CHECK(add(filter.get(), SCMP_ACT_KILL_PROCESS, "prctl",
                  {is(0, request_mask, static_cast<std::uint64_t>(option))}));
    CHECK(add_memory(filter.get(), calls.new_code));
    CHECK(add_sockets(filter.get(), calls.sockets));
    CHECK(add_socket_options(filter.get(), calls.socket_options));
    CHECK(add_ioctls(filter.get(), calls.ioctls));
    CHECK(add_threads(filter.get(), calls.threads));
    const int loaded = seccomp_load(filter.get());
    if (loaded != 0) return system_error(-loaded, "seccomp_load");
    return {};
}

}  // namespace stowage::privileges
