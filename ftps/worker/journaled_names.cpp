// statfs(2) and /sys/fs/ext4.
// Runs in: worker, as root.
#include "ftps/worker/journaled_names.hpp"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <filesystem>
#include <fstream>

namespace stowage::ftps {

namespace {

// The driver of ext4 mounts ext2 too, and ext4 without a journal: all have this number.
bool ext4_has_journal(dev_t device) {
    std::error_code failed;
    const auto link = fmt::format("/sys/dev/block/{}:{}", major(device), minor(device));
    const auto name = std::filesystem::read_symlink(link, failed).filename();
    if (failed) return false;
    std::ifstream file("/sys/fs/ext4/" + name.string() + "/journal_task");
    std::string task;
    return std::getline(file, task) && names_a_journal(task);
}

}  // namespace

bool names_a_journal(const std::string& journal_task) {
    return !journal_task.empty() && journal_task.find_first_not_of("0123456789") == std::string::npos;
}

bool file_sync_keeps_names(const std::string& directory) {
    struct statfs filesystem {};
    struct stat seen {};
    if (::statfs(directory.c_str(), &filesystem) != 0 || ::stat(directory.c_str(), &seen) != 0) return false;
    if (filesystem.f_type == XFS_SUPER_MAGIC) return true;
    return filesystem.f_type == EXT4_SUPER_MAGIC && ext4_has_journal(seen.st_dev);
}

}  // namespace stowage::ftps
