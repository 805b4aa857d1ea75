// Files that are either the old text or the new one, whatever happens in between.
// Runs in: root_step, supervisor, controller.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage {

/// Who may do what with a file that write_atomically() makes.
struct FileOwner {
    uid_t uid = 0;
    gid_t gid = 0;
    mode_t mode = 0600;
};

/// Writes a temporary file beside `path` (dot in front, so that exportfs and other *.d readers pass over it),
/// fsyncs it, renames it onto `path` and fsyncs the directory. Blocks on the disk. On failure the old file is
/// as it was and the temporary is gone.
Result<void> write_atomically(const std::string& path, std::string_view text, FileOwner owner = {});

/// The whole file, at most `limit` bytes (Code::invalid above that). Code::not_found when it is not there.
Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);

/// Removes a file and fsyncs its directory; a file that is not there is success.
Result<void> remove_durably(const std::string& path);

}  // namespace stowage
