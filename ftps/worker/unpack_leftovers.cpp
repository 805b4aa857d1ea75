// What a killed worker left: merges are finished, all else goes.
// Runs in: worker, on the file threads.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "ftps/worker/directory_names.hpp"
#include "ftps/worker/merge_record.hpp"
#include "ftps/worker/paths.hpp"
#include "ftps/worker/remove_tree.hpp"
#include "ftps/worker/unpack_stage.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

constexpr std::size_t most_removed = 1000;

/// True for what cannot be read, too.
bool has_names(const Fd& directory) {
    auto names = DirectoryNames::open(directory.get(), "what was replaced");
    return !names || names->next() != nullptr || names->failed() != 0;
}

void tell(const std::string& target, const FinishedMerge& finished) {
    log::notice("merge_finished", {{"into", target},
                                   {"moved", finished.moved},
                                   {"left_as_changed_since", finished.left_alone},
                                   {"first", finished.first}});
}

/// What the killed worker moved, and what was moved now. Not what went on being uploaded afterwards.
void drop_superseded(const LabFiles& files, Partials& partials, const std::string& target,
                     const timespec& began) {
    for (const auto& path : partials.idle_within(target)) {
        const auto complete = files.lstat(path), partial = partials.stat(path);
        if (complete && partial && !is_before(complete->st_ctim, began) &&
            !is_before(complete->st_ctim, partial->st_mtim))
            partials.superseded(path);
    }
}

}  // namespace

/// False: it stays, and is tried again later.
bool UnpackStage::keep_any_replaced(const LabFiles& files, int staging, int own, const std::string& target) {
    const auto replaced = open_own(own, replaced_name);
    if (!replaced) return errno == ENOENT;
    return !has_names(replaced) || !keep_replaced(files, staging, own, target).empty();
}

/// False: it may be finished later.
bool UnpackStage::finish_merge_of(LabFiles& files, Partials& partials, int staging, const Fd& own) {
    const auto record = read_merge_record(own.get());
    if (record && record->kept) return keep_any_replaced(files, staging, own.get(), record->target);
    const auto tree = open_own(own.get(), tree_name), replaced = open_own(own.get(), replaced_name);
    if (!record) return true;
    if (!tree || !replaced) return keep_any_replaced(files, staging, own.get(), record->target);
    const auto& target = record->target;
    const auto into = files.open_directory(target);
    const bool is_gone =
        into ? which_directory(into->get()) != record->which : into.error().code == Code::not_found;
    if (is_gone) return keep_any_replaced(files, staging, own.get(), target);
    struct stat seen {};
    if (into && files.hides(into->get(), reserved_name) &&
        ::fstatat(tree.get(), std::string(reserved_name).c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0)
        return true;  // publish() does not begin with that
    const auto finished = into ? finish_merge({tree.get(), into->get(), replaced.get()}, record->killed)
                               : Result<FinishedMerge>(into.error());
    drop_superseded(files, partials, target, record->killed.began);
    if (!finished) {
        log::warning("merge_not_finished", {{"into", target},
                                            {"why", finished.error().text()},
                                            {"next", "it is tried again within the hour"}});
        return false;
    }
    tell(target, *finished);
    return !record->killed.turned || keep_any_replaced(files, staging, own.get(), target);
}

std::size_t UnpackStage::remove_leftovers(LabFiles& files, Partials& partials) {
    const auto staging = files.open_staging();
    if (!staging) return 0;
    auto names = DirectoryNames::open(staging->get(), "/.stowage/partials");
    if (!names) return 0;
    std::vector<std::string> found;
    // A pod may make any number of such names: what is not found now is found an hour later.
    while (const auto* entry = found.size() < most_removed ? names->next() : nullptr)
        if (std::string_view(entry->d_name).starts_with(prefix)) found.emplace_back(entry->d_name);
    std::size_t removed = 0;
    for (const auto& name : found) {
        auto own = open_own(staging->get(), name.c_str());
        // A pod took the rights away.
        if (!own && errno == EACCES && ::fchmodat(staging->get(), name.c_str(), 0700, 0) == 0)
            own = open_own(staging->get(), name.c_str());
        // What cannot be asked for its lock may be in use; a link or a file that a pod put there is not.
        if (!own && errno != ENOTDIR && errno != ELOOP) continue;
        if (own && ::flock(own.get(), LOCK_EX | LOCK_NB) != 0) continue;
        if (own && !finish_merge_of(files, partials, staging->get(), own)) continue;
        if (own) drop_merge_record(own.get());
        const auto gone = remove_tree(staging->get(), name);
        if (!gone) log::warning("unpacking_not_removed", {{"directory", name}, {"why", gone.error().what}});
        removed += gone.has_value();
    }
    return removed;
}

}  // namespace stowage::ftps
