// Made, published, removed. In it are "tree" with what is unpacked; while that is merged with what is there,
// "replaced" and the record (merge_record.hpp). What a killed worker left is in unpack_leftovers.cpp.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/unpack_stage.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/group_sync.hpp"
#include "ftps/worker/merge_record.hpp"
#include "ftps/worker/not_safe.hpp"
#include "ftps/worker/paths.hpp"
#include "ftps/worker/remove_tree.hpp"
#include "gateway/base/counted.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

constexpr int most_names = 100;

Error not_a_directory(const std::string& path) {
    return {Code::exists, path + ": this is a file", "remove it first, or name another directory"};
}

}  // namespace

Fd UnpackStage::open_own(int directory, const char* name) {
    return Fd(::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Result<UnpackStage> UnpackStage::make(LabFiles& files) {
    static std::atomic<unsigned> count{0};
    TRY(auto staging, files.open_staging());
    for (int attempt = 0; attempt < most_names; ++attempt) {
        auto name = fmt::format("{}{}.{}", prefix, ::getpid(), ++count);
        if (::mkdirat(staging.get(), name.c_str(), 0700) != 0) {
            if (errno == EEXIST) continue;
            return file_error(errno, "the place to unpack at");
        }
        UnpackStage stage(std::move(staging), std::move(name));
        stage.own_ = open_own(stage.staging_.get(), stage.name_.c_str());
        if (!stage.own_ || ::flock(stage.own_.get(), LOCK_EX | LOCK_NB) != 0 ||
            ::mkdirat(stage.own_.get(), tree_name, 0700) != 0)
            return file_error(errno, "the place to unpack at");
        stage.tree_ = open_own(stage.own_.get(), tree_name);
        // Setgid is inherited by every directory that is made in it.
        if (!stage.tree_ || ::fchmod(stage.tree_.get(), 02700) != 0)
            return file_error(errno, "the place to unpack at");
        return stage;
    }
    return Error{Code::unavailable, "the place to unpack at is full of old attempts", "try again later"};
}

UnpackStage::UnpackStage(UnpackStage&&) noexcept = default;

UnpackStage::~UnpackStage() {
    if (!staging_) return;
    if (is_merging_) return;  // an exception is on its way: remove_leftovers() finishes it
    if (own_) drop_merge_record(own_.get());
    const auto removed = remove_tree(staging_.get(), name_);
    if (!removed)
        log::warning("unpacking_not_removed", {{"directory", name_}, {"why", removed.error().what}});
}

Result<void> UnpackStage::check(const LabFiles& files, const std::string& target) {
    if (target == "/") return {};
    TRY(const auto parent, files.open_parent(target));
    struct stat seen {};
    if (::fstatat(parent.get(), name_of(target).c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) return file_error(errno, target);
        return {};
    }
    if (S_ISREG(seen.st_mode)) return not_a_directory(target);
    CHECK(files.open_directory(target));
    return {};
}

/// True when it is done, false when there is something to merge with.
Result<bool> UnpackStage::publish_whole(const LabFiles& files, const std::string& target, Fd& parent) {
    if (target == "/") return false;
    TRY(parent, files.open_parent(target));
    const auto name = name_of(target);
    struct stat seen {};
    const bool taken = ::fstatat(parent.get(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0;
    if (taken && S_ISLNK(seen.st_mode)) return false;
    if (taken && !S_ISDIR(seen.st_mode)) return not_a_directory(target);
    // rename(2) replaces an empty directory, and nothing else, by a directory.
    if (::renameat(own_.get(), tree_name, parent.get(), name.c_str()) == 0) return true;
    if (errno == ENOTDIR) return not_a_directory(target);
    const bool merges = errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY;
    if (!merges) return file_error(errno, target);
    return false;
}

/// Beside the target, or, where that is not possible any more, at the lab's root or in the staging directory:
/// the path; "" if nowhere.
std::string UnpackStage::keep_replaced(const LabFiles& files, int staging, int own,
                                       const std::string& target) {
    const auto keep_in = [own](int directory) -> std::string {
        for (int attempt = 1; attempt <= most_names; ++attempt) {
            auto name = fmt::format("not-restored.{}", attempt);
            if (::renameat2(own, replaced_name, directory, name.c_str(), RENAME_NOREPLACE) == 0) return name;
            if (errno != EEXIST) break;
        }
        return {};
    };
    std::string kept;
    for (const auto& place : {parent_of(target), std::string("/"), std::string("/.stowage/partials")}) {
        const bool is_ours = is_reserved(place);
        const auto directory = is_ours ? Result<Fd>(Fd()) : files.open_directory(place);
        if (!directory) continue;
        const auto name = keep_in(is_ours ? staging : directory->get());
        if (name.empty()) continue;
        kept = join(place, name);
        break;
    }
    log::error("replaced_files_kept", {{"of", target}, {"now", kept.empty() ? "(where they are)" : kept}});
    return kept;
}

Error UnpackStage::not_taken_back(const LabFiles& files, const std::string& target, const Error& why,
                                  const NotTakenBack& left) {
    auto text = why.what + "; meanwhile somebody changed " + target + ", so ";
    if (left.replaced == 0)
        return {Code::io,
                text + fmt::format("{} of the archive stayed there, the first is {}",
                                   counted(left.names, "file or directory", "files and directories"),
                                   join(target, left.first)),
                "remove what is too much"};
    keep_merge_record(own_.get());
    auto kept = keep_replaced(files, staging_.get(), own_.get(), target);
    is_merging_ = kept.empty();
    if (kept.empty()) kept = fmt::format("/.stowage/partials/{}/{}", name_, replaced_name);
    return {Code::io,
            text + fmt::format("{} could not be put back, the first is {}",
                               counted(left.replaced, "replaced file"), join(target, left.first)),
            "what was replaced is in " + kept + ", under the same names"};
}

Result<void> UnpackStage::publish_into(LabFiles& files, Partials& partials, const std::string& target,
                                       bool durable, const std::atomic<bool>& aborted, LedgerShare& share) {
    TRY(const auto into, files.open_directory(target));
    struct stat seen {};
    if (files.hides(into.get(), reserved_name) &&
        ::fstatat(tree_.get(), std::string(reserved_name).c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0)
        return Error{Code::denied,
                     "the archive holds " + std::string(reserved_name) + ", which is the server's own",
                     "unpack into another directory"};
    if (::mkdirat(own_.get(), replaced_name, 0770) != 0) return file_error(errno, "the place to unpack at");
    const auto replaced = open_own(own_.get(), replaced_name);
    if (!replaced || ::fchmod(replaced.get(), 02770) != 0) return file_error(errno, "the place to unpack at");
    const auto which = which_directory(into.get());
    if (!which) return file_error(errno, target);
    CHECK(put_merge_record(own_.get(), target, *which, durable));
    NotTakenBack left;
    const auto superseded = [&](const std::string& path) { partials.superseded(join(target, path)); };
    const auto turns = [this] { turn_merge_record(own_.get()); };
    is_merging_ = true;
    const auto merged =
        merge_tree({tree_.get(), into.get(), replaced.get()}, aborted, turns, superseded, left);
    is_merging_ = !merged && left.replaced > 0;
    if (merged || left.names > 0) share.keep();
    if (!merged && left.names > 0) return not_taken_back(files, target, merged.error(), left);
    return merged;
}

Result<void> UnpackStage::publish(LabFiles& files, Partials& partials, const std::string& target,
                                  Durability durability, const std::atomic<bool>& aborted,
                                  LedgerShare& share) {
    if (::fchmod(tree_.get(), 02770) != 0) return file_error(errno, target);
    const bool durable = durability == Durability::full;
    if (durable && ::syncfs(own_.get()) != 0) return file_error(errno, target);
    if (aborted) return Error{Code::cancelled, "unpacking was aborted"};
    Fd parent;
    TRY(const bool whole, publish_whole(files, target, parent));
    if (!whole) {
        CHECK(publish_into(files, partials, target, durable, aborted, share));
        if (durable && ::syncfs(own_.get()) != 0) return not_safe(file_error(errno, target));
        return {};
    }
    share.keep();
    for (const auto& path : partials.idle_within(target))
        if (files.lstat(path)) partials.superseded(path);
    if (!durable) return {};
    const Fd readable(::openat(parent.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!readable) return not_safe(file_error(errno, target));
    const int failed = sync_directory(readable.get());
    if (failed != 0) return not_safe(file_error(failed, target));
    return {};
}

}  // namespace stowage::ftps
