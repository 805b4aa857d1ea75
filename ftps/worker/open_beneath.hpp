// openat2(2) as this process uses it.
// Runs in: worker.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/fd.hpp"

namespace stowage::ftps {

/// Opens `path` (relative) below the directory `root`, whatever peers rename meanwhile: RESOLVE_BENEATH and
/// RESOLVE_NO_MAGICLINKS, O_CLOEXEC. Without a value, errno tells why. Blocks.
/// @param resolve more RESOLVE_ bits, for example RESOLVE_NO_SYMLINKS
Fd open_beneath(int root, const char* path, int flags, std::uint64_t resolve = 0);

/// The same, following no symbolic link at all and entering no other filesystem. @param path "" is `top`
/// itself
Fd open_without_links(int top, const std::string& path, int flags);

}  // namespace stowage::ftps
