// The system call filter.
// Runs in: front, worker, controller.
#include <seccomp.h>
#include <sys/mman.h>

#include <memory>

#include "gateway/base/privileges.hpp"

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

/// mmap(2) and mprotect(2) have their protection as third argument.
Result<void> allow_without_code(void* filter, const char* name) {
    const int number = seccomp_syscall_resolve_name(name);
    const int added =
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (added != 0) return system_error(-added, std::string("seccomp rule for ") + name);
    return {};
}

}  // namespace

Result<void> allow_only(const std::vector<const char*>& allowed, NewCode new_code) {
    std::unique_ptr<void, FilterDeleter> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) return Error{Code::internal, "seccomp_init failed"};
    for (const auto* name : always)
        CHECK(add(filter.get(), SCMP_ACT_ALLOW, name));
    for (const auto* name : allowed)
        CHECK(add(filter.get(), SCMP_ACT_ALLOW, name));
    for (const auto* name : {"mmap", "mprotect"})
        CHECK(new_code == NewCode::allowed ? add(filter.get(), SCMP_ACT_ALLOW, name)
                                           : allow_without_code(filter.get(), name));
    for (const auto* name : deadly)
        CHECK(add(filter.get(), SCMP_ACT_KILL_PROCESS, name));
    // glibc asks for clone3 first and goes on with clone when it is told ENOSYS, which libseccomp can look
    // into.
    CHECK(add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), "clone3"));
    const int loaded = seccomp_load(filter.get());
    if (loaded != 0) return system_error(-loaded, "seccomp_load");
    return {};
}

}  // namespace stowage::privileges
