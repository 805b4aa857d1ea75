// What is mounted where, as far as it concerns a lab.
// Runs in: root_step.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

/// A line of /proc/PID/mountinfo (proc(5)).
struct Mount {
    std::uint64_t id = 0;
    std::string device;  ///< "major:minor", the same for every subvolume of one btrfs
    std::string root;    ///< which directory of that filesystem is shown
    std::string point;   ///< where
    std::string type, source;
};

/// Lines that are not of that form are left out.
std::vector<Mount> parse_mountinfo(std::string_view text);

/// The mounts that this process sees. Code::io when /proc does not tell.
Result<std::vector<Mount>> read_mounts();

/// The mount that a descriptor was opened through.
Result<Mount> mount_of(const Fd& fd, const std::vector<Mount>& mounts);

/// Where else a lab is in use as a mount: mount points that show the lab or a part of it, that lie inside it,
/// or that cover it with another filesystem. Its own mount onto itself is not among them.
/// @param labs_root the mount through which labs.root is reached
/// @param root_path labs.root without symbolic links
std::vector<std::string> other_mounts(const std::vector<Mount>& mounts, const Mount& labs_root,
                                      const std::string& root_path, const std::string& lab);

/// Whether the topmost mount on a lab's name shows the lab or a part of it, and not what an administrator
/// mounted there. Code::not_found without the directory.
Result<bool> shows_lab_itself(const Fd& root, const std::string& lab);

/// Code::in_use, naming them, when other_mounts() finds any.
Result<void> check_no_other_mounts(const Fd& root, const std::string& lab);

}  // namespace stowage::storage
