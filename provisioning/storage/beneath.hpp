// Opening and listing inside directories that other people write in.
// Runs in: root_step, as root. Distrusts: every name below a lab; nothing is followed, nothing leaves the
// lab.
#pragma once

#include <string>
#include <vector>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::storage {

/// openat2(2) of `name` below `directory` that follows no symbolic link and never leaves it. Never blocks on
/// a FIFO.
Result<Fd> open_beneath(const Fd& directory, const std::string& name, int flags);

/// The names in a directory, without "." and "..", at most `most`.
Result<std::vector<std::string>> names_in(const Fd& directory, std::size_t most);

/// The path of an open descriptor's object for calls that take paths only ("/proc/self/fd/7").
std::string path_of(const Fd& fd);

}  // namespace stowage::storage
