// Owners in labs.root and ids in NFS-Ganesha's export files.
// Runs in: CLI, as root. Distrusts: names below labs.root.
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/cli/backup_folder.hpp"

namespace stowage::cli {

namespace fs = std::filesystem;

namespace {

void look_at_labs(const Config& config, FoundOnDisk& found) {
    std::error_code failed;
    for (fs::directory_iterator entry(config.labs.root, failed), last; !failed && entry != last;
         entry.increment(failed)) {
        struct stat info {};
        if (::lstat(entry->path().c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
        if (info.st_uid < config.labs.uid_min || info.st_uid > config.labs.uid_max) continue;
        const auto name = parse_lab_name(entry->path().filename().string());
        found.owners.push_back({info.st_uid, name ? *name : std::string()});
    }
}

void look_at_exports(const Config& config, FoundOnDisk& found) {
    constexpr std::string_view before = "\n# export_id: ";
    std::error_code failed;
    for (fs::directory_iterator entry(config.state_dir + "/ganesha/exports", failed), last;
         !failed && entry != last; entry.increment(failed)) {
        const auto text = read_file(entry->path().string());
        const auto at = text ? text->find(before) : std::string::npos;
        if (at == std::string::npos) continue;
        std::uint16_t id = 0;
        std::from_chars(text->data() + at + before.size(), text->data() + text->size(), id);
        found.last_export_id = std::max(found.last_export_id, id);
    }
}

}  // namespace

FoundOnDisk find_on_disk(const Config& config) {
    FoundOnDisk found;
    look_at_labs(config, found);
    look_at_exports(config, found);
    return found;
}

bool labs_are_mounted(const Config& config) {
    struct stat info {};
    return ::lstat((config.labs.root + "/.stowage-root").c_str(), &info) == 0;
}

}  // namespace stowage::cli
