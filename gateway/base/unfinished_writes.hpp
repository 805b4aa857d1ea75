// What a write_atomically() that was killed leaves behind.
// Runs in: root_step, the Ganesha launcher.
#pragma once

#include <string>

namespace stowage {

/// Removes `.NAME.XXXXXX` beside `path`. Nobody reads them and nobody else removes them; call it where no
/// other process can be writing `path`.
void remove_unfinished_writes(const std::string& path);
/// Those of all files of a folder whose names end with `ending`.
void remove_unfinished_writes_in(const std::string& folder, const std::string& ending);

}  // namespace stowage
