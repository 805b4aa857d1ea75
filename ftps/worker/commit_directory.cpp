// Two parents, two names, one rename.
// Runs in: worker, on the file threads.
#include "ftps/worker/commit_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/group_sync.hpp"
#include "ftps/worker/not_safe.hpp"
#include "ftps/worker/paths.hpp"

namespace stowage::ftps {

namespace {

/// One name and the descriptor of the directory it is in.
struct Place {
    std::string path, name;
    Fd parent;
    mode_t type = 0;  ///< S_IFMT; 0 where nothing of that name is
};

Result<Place> find_place(const LabFiles& files, const std::string& path) {
    if (path == "/") return file_error(EBUSY, path);
    Place place{path, name_of(path), {}, 0};
    TRY(place.parent, files.open_parent(path));
    struct stat seen {};
    if (::fstatat(place.parent.get(), place.name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0)
        place.type = seen.st_mode & S_IFMT;
    else if (errno != ENOENT)
        return file_error(errno, path);
    return place;
}

Result<void> check(Partials& partials, const Place& staged, const Place& published) {
    if (staged.type == 0) return file_error(ENOENT, staged.path);
    if (staged.type != S_IFDIR)
        return Error{Code::denied, staged.path + ": not a directory", "RNFR and RNTO rename files"};
    if (published.type != 0 && published.type != S_IFDIR)
        return Error{Code::exists, published.path + ": a file or a link has this name", "remove it first"};
    if (is_within(staged.path, published.path) || is_within(published.path, staged.path))
        return Error{Code::invalid, staged.path + " and " + published.path + ": one lies in the other",
                     "prepare the new directory beside the old one"};
    CHECK(partials.check_free(published.path));
    for (const auto& path : {staged.path, published.path})
        if (partials.any_within(path))
            return Error{Code::exists, path + ": unfinished uploads belong into this directory",
                         "finish or delete them first"};
    return {};
}

Result<void> sync_content(const Place& staged) {
    const Fd directory(
        ::openat(staged.parent.get(), staged.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory || ::syncfs(directory.get()) != 0) return file_error(errno, staged.path);
    return {};
}

Result<void> sync_name(const Place& place) {
    const Fd parent(::openat(place.parent.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent) return file_error(errno, place.path);
    if (const int failed = sync_directory(parent.get()); failed != 0) return file_error(failed, place.path);
    return {};
}

/// 0 or an errno. What came between our look and now makes it fail, and changes nothing.
int rename_flagged(const Place& from, const Place& to, unsigned flags) {
    return ::renameat2(from.parent.get(), from.name.c_str(), to.parent.get(), to.name.c_str(), flags) == 0
               ? 0
               : errno;
}

}  // namespace

Result<Committed> commit_directory(const LabFiles& files, Partials& partials, const std::string& staged,
                                   const std::string& published, Durability durability) {
    TRY(const auto from, find_place(files, staged));
    TRY(const auto to, find_place(files, published));
    CHECK(check(partials, from, to));
    const bool durable = durability == Durability::full;
    if (durable) CHECK(sync_content(from));
    const bool exchange = to.type == S_IFDIR;
    int failed = rename_flagged(from, to, exchange ? RENAME_EXCHANGE : RENAME_NOREPLACE);
    const bool no_flags = failed == EINVAL || failed == ENOSYS;
    if (no_flags && exchange)
        return Error{Code::unsupported, "this filesystem cannot exchange two directories in one moment",
                     "rename the old one away first"};
    // Plain rename(2) replaces no directory but an empty one.
    if (no_flags) failed = rename_flagged(from, to, 0);
    if (failed != 0) return file_error(failed, staged + " to " + published);
    if (durable) {
        CHECK(safe(sync_name(to)));
        CHECK(safe(sync_name(from)));
    }
    return exchange ? Committed::exchanged : Committed::renamed;
}

}  // namespace stowage::ftps
