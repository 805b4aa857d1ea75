// Giving away root: groups, ids, capabilities, the root directory.
// Runs in: every process, first thing.
#include "gateway/base/privileges.hpp"

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "gateway/base/fd.hpp"

namespace stowage::privileges {

void harden() {
    const rlimit none{0, 0};
    (void)::setrlimit(RLIMIT_CORE, &none);
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ::umask(077);
}

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

Result<void> verify(uid_t uid, gid_t gid, std::initializer_list<int> keep) {
    uid_t r = 0, e = 0, s = 0;
    gid_t rg = 0, eg = 0, sg = 0;
    if (::getresuid(&r, &e, &s) != 0 || ::getresgid(&rg, &eg, &sg) != 0)
        return system_error(errno, "getresuid");
    const bool ids = r == uid && e == uid && s == uid && rg == gid && eg == gid && sg == gid;
    if (!ids || ::getgroups(0, nullptr) != 0)
        return Error{Code::internal, "the ids or groups were not given away"};
    capng_clear(CAPNG_SELECT_BOTH);
    if (capng_get_caps_process() != 0) return Error{Code::internal, "capabilities cannot be read back"};
    for (int cap = 0; cap <= CAP_LAST_CAP; ++cap) {
        const bool kept = std::find(keep.begin(), keep.end(), cap) != keep.end();
        if (!kept && (capng_have_capability(CAPNG_EFFECTIVE, static_cast<unsigned>(cap)) ||
                      capng_have_capability(CAPNG_PERMITTED, static_cast<unsigned>(cap))))
            return Error{Code::internal, "a capability was not given away"};
    }
    return {};
}

}  // namespace

Result<void> become(uid_t uid, gid_t gid, std::initializer_list<int> keep) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error(errno, "prctl no_new_privs");
    if (::setgroups(0, nullptr) != 0) return system_error(errno, "setgroups");
    capng_clear(CAPNG_SELECT_BOTH);
    for (const int cap : keep)
        if (capng_update(CAPNG_ADD,
                         static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
                         static_cast<unsigned>(cap)) != 0)
            return Error{Code::internal, "capng_update"};
    const auto changed =
        capng_change_id(static_cast<int>(uid), static_cast<int>(gid),
                        static_cast<capng_flags_t>(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
    if (changed != 0) return system_error(errno, "capng_change_id answered " + std::to_string(changed));
    // A change of ids also forgets whose death ends us.
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // Changing ids switched the process to "not dumpable" or back, depending on the kernel: say it again.
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return verify(uid, gid, keep);
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
