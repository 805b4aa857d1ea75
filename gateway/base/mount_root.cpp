// statx(2).
// Runs in: root_step.
#include "gateway/base/mount_root.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace stowage {

Result<bool> is_mount_root(int folder, const std::string& path) {
    struct statx info {};
    if (::statx(folder, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &info) != 0)
        return system_error(errno, "statx " + path);
    if ((info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0)
        return Error{Code::unsupported, "this kernel does not tell mount points (statx)",
                     "use Linux 5.8 or newer"};
    return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace stowage
