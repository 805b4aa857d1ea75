// The one thing that every process does before anything else; by itself, so that stowage-login is linked with
// no more. Runs in: every process, first thing.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>

#include "gateway/base/privileges.hpp"

namespace stowage::privileges {

void harden() {
    const rlimit none{0, 0};
    (void)::setrlimit(RLIMIT_CORE, &none);
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    // Executed from a descriptor, as the supervisor does, a process is called by that descriptor's number.
    (void)::prctl(PR_SET_NAME, program_invocation_short_name, 0, 0, 0);
    ::umask(077);
}

}  // namespace stowage::privileges
