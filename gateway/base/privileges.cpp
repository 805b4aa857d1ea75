// Giving away root: groups, ids, capabilities, the root directory. Nothing here asks a file that a chroot may
// forge. Runs in: every process, first thing.
#include "gateway/base/privileges.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "gateway/base/fd.hpp"

namespace stowage::privileges {

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<void> enter_root(const std::string& directory) {
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    Fd fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, directory.c_str(), &how, sizeof how)));
    if (!fd) {
        auto error = system_error(errno, "open " + directory);
        if (errno == ELOOP) error.remedy = "a symbolic link stands in this path; name the real directory";
        return error;
    }
    if (::fchdir(fd.get()) != 0) return system_error(errno, "chdir " + directory);
    if (::chroot(".") != 0) return system_error(errno, "chroot " + directory);
    if (::chdir("/") != 0) return system_error(errno, "chdir /");
    return {};
}

namespace {

// Nothing here reads a file: libcap-ng asks /proc, which in a lab's chroot is what a pod has put there.
constexpr int cap_end = 64;

using CapabilitySets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

Result<CapabilitySets> read_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    CapabilitySets sets{};
    if (::syscall(SYS_capget, &header, sets.data()) != 0) return system_error(errno, "capget");
    return sets;
}

/// `keep` permitted and effective, nothing inheritable.
Result<void> set_capabilities(std::uint64_t keep) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    CapabilitySets sets{};
    for (std::size_t i = 0; i < sets.size(); ++i)
        sets[i].effective = sets[i].permitted = static_cast<std::uint32_t>(keep >> (32 * i));
    if (::syscall(SYS_capset, &header, sets.data()) != 0) return system_error(errno, "capset");
    return {};
}

/// -1 behind the last capability that the kernel knows.
int in_bounding_set(int cap) {
    return ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
}

Result<void> narrow_bounding_set(std::uint64_t keep) {
    for (int cap = 0; cap < cap_end && in_bounding_set(cap) >= 0; ++cap)
        if (!(keep >> cap & 1) && in_bounding_set(cap) == 1 && ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
            return system_error(errno, "prctl PR_CAPBSET_DROP");
    return {};
}

Result<void> verify_capabilities(std::uint64_t keep) {
    TRY(const auto sets, read_capabilities());
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const auto kept = static_cast<std::uint32_t>(keep >> (32 * i));
        if (sets[i].effective != kept || sets[i].permitted != kept || sets[i].inheritable != 0)
            return Error{Code::internal, "a capability was not given away"};
    }
    for (int cap = 0; cap < cap_end && in_bounding_set(cap) >= 0; ++cap) {
        const bool ambient = ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1;
        if (ambient || (in_bounding_set(cap) == 1 && !(keep >> cap & 1)))
            return Error{Code::internal, "the bounding set or an ambient capability was not given away"};
    }
    return {};
}

Result<void> verify(uid_t uid, gid_t gid, std::uint64_t keep) {
    uid_t r = 0, e = 0, s = 0;
    gid_t rg = 0, eg = 0, sg = 0;
    if (::getresuid(&r, &e, &s) != 0 || ::getresgid(&rg, &eg, &sg) != 0)
        return system_error(errno, "getresuid");
    const bool ids = r == uid && e == uid && s == uid && rg == gid && eg == gid && sg == gid;
    if (!ids || ::getgroups(0, nullptr) != 0)
        return Error{Code::internal, "the ids or groups were not given away"};
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return Error{Code::internal, "no_new_privs is not set"};
    return verify_capabilities(keep);
}

/// Also when the kernel would keep capabilities of uid 0 only.
Result<void> change_ids(uid_t uid, gid_t gid) {
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return system_error(errno, "prctl PR_SET_KEEPCAPS");
    if (::setgroups(0, nullptr) != 0) return system_error(errno, "setgroups");
    if (::setresgid(gid, gid, gid) != 0) return system_error(errno, "setresgid");
    if (::setresuid(uid, uid, uid) != 0) return system_error(errno, "setresuid");
    if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return system_error(errno, "prctl PR_SET_KEEPCAPS");
    return {};
}

}  // namespace

Result<void> become(uid_t uid, gid_t gid, std::initializer_list<int> keep) {
    std::uint64_t kept = 0;
    for (const int cap : keep)
        kept |= std::uint64_t{1} << cap;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error(errno, "prctl no_new_privs");
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return system_error(errno, "prctl PR_CAP_AMBIENT_CLEAR_ALL");
    CHECK(narrow_bounding_set(kept));
    CHECK(change_ids(uid, gid));
    CHECK(set_capabilities(kept));
    // A change of ids also forgets whose death ends us.
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // Changing ids switched the process to "not dumpable" or back, depending on the kernel: say it again.
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return verify(uid, gid, kept);
}

namespace {

Result<std::uint32_t> number_in(const std::string& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return Error{Code::invalid, "not a number"};
    return number;
}

}  // namespace

Result<uid_t> user_id(const std::string& name_or_number) {
    if (auto number = number_in(name_or_number)) return *number;
    const auto* entry = ::getpwnam(name_or_number.c_str());
    if (!entry)
        return Error{Code::config, "there is no user " + name_or_number,
                     "run systemd-sysusers, or name another user"};
    return entry->pw_uid;
}

Result<gid_t> group_id(const std::string& name_or_number) {
    if (auto number = number_in(name_or_number)) return *number;
    const auto* entry = ::getgrnam(name_or_number.c_str());
    if (!entry)
        return Error{Code::config, "there is no group " + name_or_number,
                     "run systemd-sysusers, or name another group"};
    return entry->gr_gid;
}

}  // namespace stowage::privileges
