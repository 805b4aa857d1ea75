// `.NAME.XXXXXX` beside a file.
// Runs in: root_step.
#include "gateway/base/unfinished_writes.hpp"

#include <unistd.h>

#include <filesystem>

namespace stowage {

void remove_unfinished_writes(const std::string& path) {
    namespace fs = std::filesystem;
    const auto folder = fs::path(path).parent_path();
    const auto start = "." + fs::path(path).filename().string() + ".";
    std::error_code failed;
    for (fs::directory_iterator entry(folder.empty() ? "." : folder, failed), last; !failed && entry != last;
         entry.increment(failed)) {
        const auto name = entry->path().filename().string();
        if (name.starts_with(start) && name.size() == start.size() + 6) ::unlink(entry->path().c_str());
    }
}

}  // namespace stowage
