// What both exporters do with their files.
// Runs in: root_step, the Ganesha launcher.
#pragma once

#include <optional>
#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::nfs {

/// Holds flock(2) on `path` until the descriptor goes: one writer of exports at a time. Whoever has it works
/// within limits and opens no lab; Code::unavailable when it is not free within a minute nevertheless.
Result<Fd> lock_exports(const std::string& path);

/// The file's text, or none when there is no such file.
Result<std::optional<std::string>> previous_text(const std::string& path);

}  // namespace stowage::nfs
