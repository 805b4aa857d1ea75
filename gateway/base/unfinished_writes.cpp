// readdir(3), unlink(2).
// Runs in: root_step, the Ganesha launcher.
#include "gateway/base/unfinished_writes.hpp"

#include <unistd.h>

#include <filesystem>

namespace stowage {

namespace {

/// The dot before it and the six letters that mkstemp(3) chose.
constexpr std::size_t letters = 6;

template <typename IsWanted>
void remove_from(const std::filesystem::path& folder, IsWanted is_wanted) {
    std::error_code failed;
    for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        const auto name = entry->path().filename().string();
        const bool is_unfinished =
            name.size() > letters + 2 && name.front() == '.' && name[name.size() - letters - 1] == '.';
        if (is_unfinished && is_wanted(name.substr(1, name.size() - letters - 2)))
            ::unlink(entry->path().c_str());
    }
}

}  // namespace

void remove_unfinished_writes(const std::string& path) {
    const std::filesystem::path whole = path;
    const auto folder = whole.parent_path();
    remove_from(folder.empty() ? "." : folder,
                [&](const std::string& name) { return name == whole.filename(); });
}

void remove_unfinished_writes_in(const std::string& folder, const std::string& ending) {
    remove_from(folder, [&](const std::string& name) { return name.ends_with(ending); });
}

}  // namespace stowage
