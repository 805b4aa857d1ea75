// Opening and listing inside directories that other people write in.
// Runs in: root_step, as root. Distrusts: every name below a lab; nothing is followed, nothing leaves the
// lab.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

/// Whether a path may go on into another filesystem that is mounted on its way.
enum class Mounts { cross, stay };

/// openat2(2) of `name` below `directory` that follows no symbolic link and never leaves it. Never blocks on
/// a FIFO. With Mounts::stay a mount point is Code::in_use.
Result<Fd> open_beneath(const Fd& directory, const std::string& name, int flags,
                        Mounts mounts = Mounts::cross);

/// open_beneath() for who asks why it failed: without a value, errno tells.
Fd try_open_beneath(const Fd& directory, const std::string& name, int flags, Mounts mounts);

/// The names in a directory, without "." and "..", at most `most`.
Result<std::vector<std::string>> names_in(const Fd& directory, std::size_t most);

/// Owner uid:uid and mode (with its setuid, setgid and sticky bits); each is changed only where it differs,
/// so that doing it again writes nothing.
/// @param what names the directory in an error
Result<void> set_owner_and_mode(const Fd& directory, uid_t uid, mode_t mode, const std::string& what);

/// Sixteen random hexadecimal digits: a name that nobody has chosen before.
std::string random_name();

/// The path of an open descriptor's object for calls that take paths only ("/proc/self/fd/7").
std::string path_of(const Fd& fd);

}  // namespace stowage::storage
