// By inode numbers and times; merge_tree.cpp says which states there are.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/merge_traces.hpp"

#include <fcntl.h>

#include <deque>

#include "ftps/worker/directory_names.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/open_beneath.hpp"

namespace stowage::ftps {

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

Result<MergeTraces::Found> MergeTraces::look(const Fd& kept_in, const std::string& name,
                                             const struct stat& ours, const struct stat& theirs) {
    struct stat kept {};
    const bool has_kept = kept_in && ::fstatat(kept_in.get(), name.c_str(), &kept, AT_SYMLINK_NOFOLLOW) == 0;
    if (same_file(ours, theirs) || (has_kept && same_file(kept, ours)))
        return Found::new_one;  // behind 4 or 2
    // The ctime tells best what peers did, but our own links and renames move it: for all names of a file.
    bool moved_by_us = killed_.turned || (has_kept && same_file(kept, theirs));
    if (!moved_by_us && theirs.st_nlink > 1) {
        TRY(moved_by_us, is_kept(theirs));
    }
    const auto changed = moved_by_us ? theirs.st_mtim : theirs.st_ctim;
    return is_before(changed, killed_.began) ? Found::old_one : Found::peers_one;
}

/// Under any name. What peers linked since is not: conda does so, with files whose mtime is old.
Result<bool> MergeTraces::is_kept(const struct stat& file) {
    if (kept_) return kept_->contains(file.st_ino);
    std::set<ino_t> all;
    for (std::deque<std::string> waiting = {""}; !waiting.empty(); waiting.pop_front()) {
        const auto& path = waiting.front();
        const auto directory = open_without_links(replaced_, path, O_RDONLY | O_DIRECTORY);
        auto names = DirectoryNames::open(directory.get(), path);
        struct stat seen {};
        while (const auto* entry = names ? names->next() : nullptr) {
            if (::fstatat(directory.get(), entry->d_name, &seen, AT_SYMLINK_NOFOLLOW) != 0) continue;
            if (S_ISDIR(seen.st_mode))
                waiting.push_back(path.empty() ? entry->d_name : path + "/" + entry->d_name);
            else
                all.insert(seen.st_ino);
        }
        if (names && names->failed() != 0) return file_error(names->failed(), path);
    }
    kept_ = std::move(all);
    return kept_->contains(file.st_ino);
}

void MergeTraces::keep(const struct stat& file) {
    if (kept_) kept_->insert(file.st_ino);
}

}  // namespace stowage::ftps
