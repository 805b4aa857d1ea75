// The capabilities of each step.
// Runs in: root_step.
#include "gateway/root_step/privileges.hpp"

#include <cap-ng.h>
#include <sys/prctl.h>

#include <cerrno>
#include <vector>

namespace stowage::root_step {

namespace {

using message::Step;

std::vector<unsigned> needed(Step step) {
    switch (step) {
        // The password file is root's own, but state_dir may lie in somebody's home (quickstart --state).
        case Step::set_password:
        case Step::remove_password:
            return {CAP_DAC_READ_SEARCH};
        // Mounts and qgroups are CAP_SYS_ADMIN; directories of a lab (2770) are entered past their mode and
        // given away.
        case Step::observe_lab:
        case Step::observe_quota:
            return {CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH};
        case Step::make_directory:
            return {CAP_SYS_ADMIN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_CHOWN, CAP_FOWNER, CAP_FSETID};
        // Files of a lab are put into its project (FOWNER), also when it holds more than it may
        // (SYS_RESOURCE).
        // XFS takes setgid from a directory whose project is set by somebody without CAP_FSETID.
        case Step::set_quota:
            return {CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_SYS_RESOURCE};
        // exportfs(8) and the marker.
        case Step::publish_export:
        case Step::withdraw_export:
            return {CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE};
        // nfsd's files are root's; Ganesha's bus looks at the uid alone.
        case Step::list_nfs_clients:
            return {CAP_DAC_READ_SEARCH};
        case Step::stop_set_quota:
            return {};
        case Step::purge_directory:
            return {CAP_SYS_ADMIN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_CHOWN};
    }
    return {};
}

/// Root of a container or of a small machine may be without it: then ext4 refuses to move files into a
/// project that is over its limit, and set_quota() takes the limit away for the time that it needs.
bool is_missed_only_sometimes(unsigned capability) {
    return capability == CAP_SYS_RESOURCE;
}

/// Those of the step that this process can keep.
std::vector<unsigned> kept(Step step) {
    auto capabilities = needed(step);
    std::erase_if(capabilities, [](unsigned capability) {
        return is_missed_only_sometimes(capability) && !capng_have_capability(CAPNG_PERMITTED, capability);
    });
    return capabilities;
}

}  // namespace

Result<void> keep_only_what_it_needs(Step step) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error(errno, "prctl no_new_privs");
    if (capng_get_caps_process() != 0) return Error{Code::internal, "capng_get_caps_process"};
    const auto capabilities = kept(step);
    capng_clear(CAPNG_SELECT_BOTH);
    for (const auto capability : capabilities)
        if (capng_update(CAPNG_ADD,
                         static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
                         capability) != 0)
            return Error{Code::internal, "capng_update"};
    if (capng_apply(CAPNG_SELECT_BOUNDS) != 0 || capng_apply(CAPNG_SELECT_CAPS) != 0)
        return system_error(errno, "drop capabilities");
    return {};
}

}  // namespace stowage::root_step
