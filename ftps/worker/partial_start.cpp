// Where an upload begins in its file: anew, behind what is there, or amid it.
// Runs in: worker, on the file threads.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ftps/worker/copy_range.hpp"
#include "ftps/worker/creation_time.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/partial_mark.hpp"
#include "ftps/worker/partials.hpp"
#include "ftps/worker/paths.hpp"

namespace stowage::ftps {

namespace {

Error behind_end(const std::string& path, std::uint64_t size) {
    return {Code::invalid, fmt::format("{}: this upload cannot start behind byte {}", path, size),
            fmt::format("send REST {} or less", size)};
}

}  // namespace

Result<void> Partials::check(const std::string& path, Start start) {
    const auto complete = files_.lstat(path);
    if (complete && S_ISDIR(complete->st_mode)) return file_error(EISDIR, path);
    TRY(const auto parent, files_.open_parent(path));
    // R_OK too: a directory that cannot be opened cannot be synced.
    if (!LabFiles::has_rights(parent.get(), R_OK | W_OK | X_OK)) return file_error(EACCES, parent_of(path));
    if (!start.end && (start.at_end || start.offset == 0)) return {};
    const auto partial = stat(path);
    const auto& seen = partial ? partial : complete;
    const auto size = seen ? static_cast<std::uint64_t>(seen->st_size) : 0;
    if (start.offset > size) return behind_end(path, size);
    if (start.end && start.offset < size) return check_complete(path);
    return {};
}

Result<Fd> Partials::open(const Claim& claim, Start start, const CopyProgress& progress) {
    std::unique_lock lock(mutex_);
    const auto entry = find(claim.id_);
    if (entry == entries_.end()) return Error{Code::internal, "this upload lost its claim"};
    const auto path = entry->first;
    const auto file = entry->second.file;
    lock.unlock();
    if (start.end) return replace_range(claim, path, file, start, progress);
    if (!start.at_end && start.offset == 0) return create(claim.id_);
    return file.empty() ? continue_complete(claim, path, start, progress)
                        : continue_partial(claim.id_, file, path, start);
}

Result<Fd> Partials::replace_range(const Claim& claim, const std::string& path, const std::string& file,
                                   Start start, const CopyProgress& progress) {
    auto source = file.empty() ? files_.open_for_reading(path) : open_staged(file, O_RDONLY, path);
    if (!source && source.error().code != Code::not_found) return source.error();
    struct stat seen {};
    if (source && ::fstat(source->get(), &seen) != 0) return file_error(errno, path);
    const auto size = static_cast<std::uint64_t>(seen.st_size);
    if (start.offset > size) return behind_end(path, size);
    if (start.offset == size) {  // nothing is replaced: an upload that goes on like any other
        if (!source) return create(claim.id_);
        return file.empty() ? continue_complete(claim, path, start, progress)
                            : continue_partial(claim.id_, file, path, start);
    }
    CHECK(check_complete(path));  // published, the copy would be half a file
    TRY(auto fd, open_unseen(claim));
    CHECK(copy_counted(*source, fd, size, path, progress));
    keep_creation_time(*source, fd);
    const auto position = static_cast<off_t>(start.offset);
    if (::lseek(fd.get(), position, SEEK_SET) != position) return file_error(errno, path);
    return fd;
}

Result<Fd> Partials::continue_partial(std::uint64_t id, const std::string& file, const std::string& path,
                                      Start start) {
    const std::lock_guard lock(mutex_);
    TRY(auto fd, open_staged(file, O_RDWR, path));
    struct stat seen {};
    if (::fstat(fd.get(), &seen) != 0) return file_error(errno, path);
    const auto size = static_cast<std::uint64_t>(seen.st_size);
    if (start.offset > size) return behind_end(path, size);
    const auto position = static_cast<off_t>(start.at_end ? size : start.offset);
    if (::ftruncate(fd.get(), position) != 0 || ::lseek(fd.get(), position, SEEK_SET) != position)
        return file_error(errno, path);
    drop_idle_age(fd);
    ledger().give(size - static_cast<std::uint64_t>(position));
    if (const auto entry = find(id); entry != entries_.end())
        entry->second.kept = static_cast<std::uint64_t>(position);
    return fd;
}

// The complete file is never written to: what is kept of it becomes the beginning of a new one.
Result<Fd> Partials::continue_complete(const Claim& claim, const std::string& path, Start start,
                                       const CopyProgress& progress) {
    auto source = files_.open_for_reading(path);
    if (!source && (source.error().code != Code::not_found || start.offset > 0)) return source.error();
    TRY(auto fd, create(claim.id_));
    if (!source) return fd;
    struct stat seen {};
    if (::fstat(source->get(), &seen) != 0) return file_error(errno, path);
    const auto size = static_cast<std::uint64_t>(seen.st_size);
    if (start.offset > size) return behind_end(path, size);
    const auto wanted = start.at_end ? size : start.offset;
    if (const auto copied = copy_counted(*source, fd, wanted, path, progress); !copied) {
        discard(claim);  // half a file must not stand in for the whole one
        return copied.error();
    }
    keep_creation_time(*source, fd);
    return fd;
}

Result<void> Partials::copy_counted(const Fd& from, const Fd& to, std::uint64_t size, const std::string& path,
                                    const CopyProgress& progress) {
    CHECK(ledger().take(size));
    const int failed = copy_range(from, to, size, progress);
    if (failed == 0) return {};
    struct stat copied {};
    if (::fstat(to.get(), &copied) == 0) ledger().give(size - std::min(size, Ledger::held(copied)));
    if (failed == ECANCELED) return Error{Code::cancelled, "the transfer was aborted"};
    return file_error(failed, path);
}

}  // namespace stowage::ftps
