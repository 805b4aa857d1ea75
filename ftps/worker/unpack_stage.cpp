// Made, published, removed.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/unpack_stage.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <new>
#include <string_view>
#include <vector>

#include "ftps/worker/directory_names.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/group_sync.hpp"
#include "ftps/worker/paths.hpp"
#include "ftps/worker/remove_tree.hpp"
#include "gateway/base/counted.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

constexpr std::string_view prefix = "unpack.";
constexpr int most_names = 100;
constexpr std::size_t most_removed = 1000;

Fd open_own(int staging, const char* name) {
    return Fd(::openat(staging, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Error not_a_directory(const std::string& path) {
    return {Code::exists, path + ": this is a file", "remove it first, or name another directory"};
}

}  // namespace

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
        // Setgid is inherited by every directory that is made in it.
        if (!stage.own_ || ::flock(stage.own_.get(), LOCK_EX | LOCK_NB) != 0 ||
            ::fchmod(stage.own_.get(), 02700) != 0)
            return file_error(errno, "the place to unpack at");
        return stage;
    }
    return Error{Code::unavailable, "the place to unpack at is full of old attempts", "try again later"};
}

UnpackStage::UnpackStage(UnpackStage&&) noexcept = default;

UnpackStage::~UnpackStage() {
    if (!staging_) return;
    if (holds_replaced_) {  // an exception is on its way
        try {
            (void)keep_in(staging_.get());
        } catch (const std::bad_alloc&) {  // to say so
        }
        return;
    }
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
    if (::renameat(staging_.get(), name_.c_str(), parent.get(), name.c_str()) == 0) return true;
    if (errno == ENOTDIR) return not_a_directory(target);
    const bool merges = errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY;
    if (!merges) return file_error(errno, target);
    return false;
}

/// Out of reach of remove_leftovers(): the name that it has in `directory` now, or "".
std::string UnpackStage::keep_in(int directory) {
    for (int attempt = 1; attempt <= most_names; ++attempt) {
        std::array<char, 32> name{};  // there may be no memory
        std::snprintf(name.data(), name.size(), "not-restored.%d", attempt);
        if (::renameat2(staging_.get(), name_.c_str(), directory, name.data(), RENAME_NOREPLACE) == 0) {
            log::error("replaced_files_kept", {{"directory", name_}, {"now", name.data()}});
            staging_.reset();
            return name.data();
        }
        if (errno != EEXIST) break;
    }
    return {};
}

/// Beside the target, or, where that is not possible any more, where it is: the path.
std::string UnpackStage::keep(const LabFiles& files, const std::string& target) {
    for (const auto& place : {parent_of(target), std::string("/")}) {
        const auto directory = files.open_directory(place);
        if (!directory) continue;
        if (const auto name = keep_in(directory->get()); !name.empty()) return join(place, name);
    }
    const auto name = keep_in(staging_.get());
    return "/.stowage/partials/" + (name.empty() ? name_ : name);
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
    return {Code::io,
            text + fmt::format("{} could not be put back, the first is {}",
                               counted(left.replaced, "replaced file"), join(target, left.first)),
            "what was replaced is in " + keep(files, target) + ", under the same names"};
}

Result<void> UnpackStage::publish_into(LabFiles& files, Partials& partials, const std::string& target,
                                       const std::atomic<bool>& aborted, LedgerShare& share) {
    TRY(const auto into, files.open_directory(target));
    struct stat seen {};
    if (files.hides(into.get(), reserved_name) &&
        ::fstatat(own_.get(), std::string(reserved_name).c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0)
        return Error{Code::denied,
                     "the archive holds " + std::string(reserved_name) + ", which is the server's own",
                     "unpack into another directory"};
    NotTakenBack left;
    const auto superseded = [&](const std::string& path) { partials.superseded(join(target, path)); };
    holds_replaced_ = true;
    const auto merged = merge_tree(own_.get(), into.get(), aborted, superseded, left);
    holds_replaced_ = !merged && left.replaced > 0;
    if (merged || left.names > 0) share.keep();
    if (!merged && left.names > 0) return not_taken_back(files, target, merged.error(), left);
    return merged;
}

Result<void> UnpackStage::publish(LabFiles& files, Partials& partials, const std::string& target,
                                  Durability durability, const std::atomic<bool>& aborted,
                                  LedgerShare& share) {
    if (::fchmod(own_.get(), 02770) != 0) return file_error(errno, target);
    const bool durable = durability == Durability::full;
    if (durable && ::syncfs(own_.get()) != 0) return file_error(errno, target);
    if (aborted) return Error{Code::cancelled, "unpacking was aborted"};
    Fd parent;
    TRY(const bool whole, publish_whole(files, target, parent));
    if (!whole) {
        CHECK(publish_into(files, partials, target, aborted, share));
        if (durable && ::syncfs(own_.get()) != 0) return file_error(errno, target);
        return {};
    }
    staging_.reset();
    share.keep();
    if (!durable) return {};
    const Fd readable(::openat(parent.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!readable) return file_error(errno, target);
    if (const int failed = sync_directory(readable.get()); failed != 0) return file_error(failed, target);
    return {};
}

std::size_t UnpackStage::remove_leftovers(LabFiles& files) {
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
        const auto gone = remove_tree(staging->get(), name);
        if (!gone) log::warning("unpacking_not_removed", {{"directory", name}, {"why", gone.error().what}});
        removed += gone.has_value();
    }
    return removed;
}

}  // namespace stowage::ftps
