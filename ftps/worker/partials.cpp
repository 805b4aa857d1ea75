// Staging, publishing and the index of what is unfinished.
// Runs in: worker, on the file threads.
#include "ftps/worker/partials.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "ftps/worker/copy_range.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/file_times.hpp"
#include "ftps/worker/paths.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

constexpr const char* path_attribute = "user.stowage.path";
constexpr const char* user_attribute = "user.stowage.user";
// ext4 keeps all attributes of a file in one block: a longer path may not fit, and must not fail the upload.
constexpr std::size_t sure_attribute_bytes = 2000;
// A pod may fill the directory with names, and the lab's first login waits until all are looked at, at most
// ten seconds. Far more than a lab's users leave unfinished.
constexpr std::size_t most_loaded = 10'000;
constexpr std::chrono::seconds most_loading_time{3};

std::string random_name() {
    std::array<std::uint8_t, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        throw Fatal(system_error(errno, "getrandom"));
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

std::string attribute(const Fd& file, const char* name) {
    std::array<char, max_path_bytes> value;
    const auto size = ::fgetxattr(file.get(), name, value.data(), value.size());
    return size > 0 ? std::string(value.data(), static_cast<std::size_t>(size)) : std::string();
}

Result<void> set_mark(const Fd& file, const std::string& path, const std::string& user) {
    if (::fsetxattr(file.get(), path_attribute, path.data(), path.size(), 0) == 0 &&
        ::fsetxattr(file.get(), user_attribute, user.data(), user.size(), 0) == 0)
        return {};
    const bool cannot_hold =
        errno == EOPNOTSUPP || errno == E2BIG || errno == ERANGE || path.size() > sure_attribute_bytes;
    if (!cannot_hold) return file_error(errno, path);
    log::warning("partial_not_marked",
                 {{"path", path}, {"effect", "a restart of the worker forgets this upload"}});
    return {};
}

// CephFS, for one, cannot refuse to replace: there, what was seen a moment ago must do.
int put_in_place(int staging, const std::string& file, int parent, const std::string& name,
                 bool may_replace) {
    if (!may_replace) {
        const int moved = ::renameat2(staging, file.c_str(), parent, name.c_str(), RENAME_NOREPLACE);
        if (moved == 0 || errno != EINVAL) return moved;
    }
    return ::renameat(staging, file.c_str(), parent, name.c_str());
}

Error busy(const std::string& path, const std::string& user, Partials::Clock::time_point since) {
    return {Code::in_use,
            fmt::format("{}: {} has been uploading it since {}", path, user,
                        shown_time(Partials::Clock::to_time_t(since))),
            "wait until that upload has ended"};
}

Error behind_end(const std::string& path, std::uint64_t size) {
    return {Code::invalid, fmt::format("{}: this upload cannot start behind byte {}", path, size),
            fmt::format("send REST {} or less", size)};
}

}  // namespace

Result<std::shared_ptr<const Fd>> Partials::staging() {
    struct stat seen {};
    // A peer may remove the directory over NFS: uploads then go on in a new one.
    if (staging_ && ::fstat(staging_->get(), &seen) == 0 && seen.st_nlink > 0) return staging_;
    TRY(auto opened, files_.open_staging());
    staging_ = std::make_shared<const Fd>(std::move(opened));
    return staging_;
}

Result<void> Partials::load() {
    const std::lock_guard lock(mutex_);
    TRY(const auto directory, staging());
    struct Closer {
        void operator()(DIR* open) const { ::closedir(open); }
    };
    Fd listed(::openat(directory->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::unique_ptr<DIR, Closer> stream(listed ? ::fdopendir(listed.get()) : nullptr);
    if (!stream) return file_error(errno, "/.stowage/partials");
    (void)listed.release();  // closedir() closes it
    const auto until = std::chrono::steady_clock::now() + most_loading_time;
    std::size_t looked_at = 0;
    while (const auto* entry = ::readdir(stream.get())) {
        if (++looked_at > most_loaded || std::chrono::steady_clock::now() > until) {
            log::warning("partials_not_all_found",
                         {{"looked_at", looked_at - 1},
                          {"effect", "uploads that are not among them cannot be gone on with"},
                          {"remedy", "remove from /.stowage/partials what a pod has put there"}});
            break;
        }
        if (entry->d_name[0] != '.') adopt(*directory, entry->d_name);
    }
    return {};
}

void Partials::adopt(const Fd& directory, const char* file) {
    const Fd opened(::openat(directory.get(), file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat seen {};
    if (!opened || ::fstat(opened.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return;
    const auto path = attribute(opened, path_attribute);
    if (!is_path_of_upload(path)) {
        unlink(file);
        return;
    }
    const auto since = Clock::from_time_t(seen.st_mtime);
    const auto [known, added] = entries_.try_emplace(path);
    if (!added &&
        known->second.since > since) {  // a crash between an upload's start and the end of the older one
        unlink(file);
        return;
    }
    if (!added) unlink(known->second.file);
    known->second = {next_id_++, file, attribute(opened, user_attribute), since, false, true};
}

Result<Partials::Claim> Partials::claim(const std::string& path, const std::string& user) {
    const std::lock_guard lock(mutex_);
    auto& entry = entries_[path];
    if (entry.active) return busy(path, entry.user, entry.since);
    if (entry.id == 0) entry.id = next_id_++;
    entry.user = user;
    entry.since = Clock::now();
    entry.active = true;
    return Claim(this, entry.id);
}

Partials::Entries::iterator Partials::find(std::uint64_t id) {
    return std::find_if(entries_.begin(), entries_.end(),
                        [id](const auto& entry) { return entry.second.id == id; });
}

void Partials::release(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto entry = find(id);
    if (entry == entries_.end()) return;
    entry->second.active = false;
    if (!entry->second.unseen.empty()) unlink(std::exchange(entry->second.unseen, {}));
    const auto seen = stat_of(entry->second);
    if (seen && seen->st_size > 0) {
        if (entry->second.marked) return;
        const auto file = open_staged(entry->second.file, O_WRONLY, entry->first);
        entry->second.marked = file && set_mark(*file, entry->first, entry->second.user);
        return;
    }
    if (!entry->second.file.empty()) unlink(entry->second.file);
    entries_.erase(entry);
}

Result<Fd> Partials::open_staged(const std::string& file, int flags, const std::string& path) {
    TRY(const auto directory, staging());
    Fd fd(::openat(directory->get(), file.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!fd) return file_error(errno, path);
    return fd;
}

Result<Fd> Partials::make_staged(const std::string& file, const std::string& path) {
    CHECK(ledger().take_name());
    auto fd = open_staged(file, O_RDWR | O_CREAT | O_EXCL, path);
    if (!fd) ledger().give_name();
    return fd;
}

Result<void> Partials::copy_counted(const Fd& from, const Fd& to, std::uint64_t size,
                                    const std::string& path) {
    CHECK(ledger().take(size));
    const int failed = copy_range(from, to, size);
    if (failed == 0) return {};
    struct stat copied {};
    if (::fstat(to.get(), &copied) == 0) ledger().give(size - std::min(size, Ledger::held(copied)));
    return file_error(failed, path);
}

Result<Fd> Partials::create(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto entry = find(id);
    if (entry == entries_.end()) return Error{Code::internal, "this upload lost its claim"};
    const auto name = random_name();
    TRY(auto fd, make_staged(name, entry->first));
    if (!entry->second.file.empty()) unlink(entry->second.file);
    entry->second.file = name;
    entry->second.marked = false;
    entry->second.kept = 0;
    return fd;
}

Result<void> Partials::mark(const Claim& claim, const Fd& file) {
    const std::lock_guard lock(mutex_);
    const auto entry = find(claim.id_);
    if (entry == entries_.end()) return Error{Code::internal, "this upload lost its claim"};
    if (entry->second.marked || !entry->second.unseen.empty()) return {};
    CHECK(set_mark(file, entry->first, entry->second.user));
    entry->second.marked = true;
    return {};
}

Result<void> Partials::check(const std::string& path, Start start) {
    const auto complete = files_.lstat(path);
    if (complete && S_ISDIR(complete->st_mode)) return file_error(EISDIR, path);
    TRY(const auto parent, files_.open_parent(path));
    // R_OK too: a directory that cannot be opened cannot be synced.
    if (LabFiles::rights(parent.get()) != (R_OK | W_OK | X_OK)) return file_error(EACCES, parent_of(path));
    if (start.at_end || start.offset == 0) return {};
    const auto partial = stat(path);
    const auto& seen = partial ? partial : complete;
    const auto size = seen ? static_cast<std::uint64_t>(seen->st_size) : 0;
    if (start.offset > size) return behind_end(path, size);
    return {};
}

Result<Fd> Partials::open(const Claim& claim, Start start) {
    std::unique_lock lock(mutex_);
    const auto entry = find(claim.id_);
    if (entry == entries_.end()) return Error{Code::internal, "this upload lost its claim"};
    const auto path = entry->first;
    const auto file = entry->second.file;
    lock.unlock();
    if (start.end) return replace_range(claim, path, file, start);
    if (!start.at_end && start.offset == 0) return create(claim.id_);
    return file.empty() ? continue_complete(claim.id_, path, start)
                        : continue_partial(claim.id_, file, path, start);
}

Result<Fd> Partials::open_unseen(const Claim& claim) {
    const std::lock_guard lock(mutex_);
    const auto entry = find(claim.id_);
    if (entry == entries_.end()) return Error{Code::internal, "this upload lost its claim"};
    // Without a mark: what a crash leaves of it, load() removes.
    auto name = random_name();
    TRY(auto fd, make_staged(name, entry->first));
    entry->second.unseen = std::move(name);
    return fd;
}

Result<Fd> Partials::replace_range(const Claim& claim, const std::string& path, const std::string& file,
                                   Start start) {
    auto source = file.empty() ? files_.open_for_reading(path) : open_staged(file, O_RDONLY, path);
    if (!source && source.error().code != Code::not_found) return source.error();
    struct stat seen {};
    if (source && ::fstat(source->get(), &seen) != 0) return file_error(errno, path);
    const auto size = static_cast<std::uint64_t>(seen.st_size);
    if (start.offset > size) return behind_end(path, size);
    if (start.offset == size) {  // nothing is replaced: an upload that goes on like any other
        if (!source) return create(claim.id_);
        return file.empty() ? continue_complete(claim.id_, path, start)
                            : continue_partial(claim.id_, file, path, start);
    }
    TRY(auto fd, open_unseen(claim));
    CHECK(copy_counted(*source, fd, size, path));
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
    ledger().give(size - static_cast<std::uint64_t>(position));
    if (const auto entry = find(id); entry != entries_.end())
        entry->second.kept = static_cast<std::uint64_t>(position);
    return fd;
}

// The complete file is never written to: what is kept of it becomes the beginning of a new one.
Result<Fd> Partials::continue_complete(std::uint64_t id, const std::string& path, Start start) {
    auto source = files_.open_for_reading(path);
    if (!source && (source.error().code != Code::not_found || start.offset > 0)) return source.error();
    TRY(auto fd, create(id));
    if (!source) return fd;
    struct stat seen {};
    if (::fstat(source->get(), &seen) != 0) return file_error(errno, path);
    const auto size = static_cast<std::uint64_t>(seen.st_size);
    if (start.offset > size) return behind_end(path, size);
    const auto wanted = start.at_end ? size : start.offset;
    CHECK(copy_counted(*source, fd, wanted, path));
    return fd;
}

Result<void> Partials::publish(const Claim& claim, const Fd& file, Durability durability, mode_t new_mode,
                               bool may_replace) {
    std::unique_lock lock(mutex_);
    const auto entry = find(claim.id_);
    if (entry == entries_.end()) return Error{Code::internal, "this upload lost its claim"};
    const auto path = entry->first;
    const auto [name, superseded_file] = entry->second.unseen.empty()
                                             ? std::pair{entry->second.file, std::string()}
                                             : std::pair{entry->second.unseen, entry->second.file};
    const bool marked = entry->second.unseen.empty() && entry->second.marked;
    TRY(const auto directory, staging());
    lock.unlock();

    TRY(const auto parent, files_.open_directory(parent_of(path)));
    const auto final_name = name_of(path);
    struct stat old {};
    const bool replaces = ::fstatat(parent.get(), final_name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (replaces && !may_replace) return file_error(EEXIST, path);
    if (replaces && S_ISDIR(old.st_mode)) return file_error(EISDIR, path);
    const mode_t mode = replaces && S_ISREG(old.st_mode) ? old.st_mode : new_mode;
    if (::fchmod(file.get(), mode & lab_rights) != 0) return file_error(errno, path);
    if (durability == Durability::full && ::fsync(file.get()) != 0) return file_error(errno, path);
    if (put_in_place(directory->get(), name, parent.get(), final_name, may_replace) != 0)
        return file_error(errno, path);
    if (replaces) ledger().give_file(old);
    // Only now: until it is published, the attributes are how the partial is found again.
    if (marked) {
        (void)::fremovexattr(file.get(), path_attribute);
        (void)::fremovexattr(file.get(), user_attribute);
    }

    lock.lock();
    if (!superseded_file.empty()) unlink(superseded_file);
    if (const auto published = find(claim.id_); published != entries_.end()) entries_.erase(published);
    lock.unlock();
    if (durability == Durability::full) return directories_.sync(parent.get());
    return {};
}

void Partials::discard(const Claim& claim) {
    const std::lock_guard lock(mutex_);
    const auto entry = find(claim.id_);
    if (entry == entries_.end()) return;
    auto& file = entry->second.unseen.empty() ? entry->second.file : entry->second.unseen;
    if (file.empty()) return;
    // Space first: on a full btrfs an unlink may find no room for its own metadata.
    (void)cut(file, entry->first, 0);
    unlink(file);
    file.clear();
}

void Partials::take_back(const Claim& claim) {
    {
        const std::lock_guard lock(mutex_);
        const auto entry = find(claim.id_);
        if (entry == entries_.end()) return;
        const bool went_on = entry->second.unseen.empty() && entry->second.kept > 0;
        if (went_on && cut(entry->second.file, entry->first, entry->second.kept)) return;
    }
    // A full btrfs has no room for a truncation, only for an unlink: better without its beginning than full.
    discard(claim);
}

bool Partials::cut(const std::string& file, const std::string& path, std::uint64_t size) {
    const auto fd = open_staged(file, O_WRONLY, path);
    struct stat seen {};
    if (!fd || ::fstat(fd->get(), &seen) != 0) return false;
    if (::ftruncate(fd->get(), static_cast<off_t>(size)) != 0) {
        log::info("partial_not_truncated", {{"path", path}, {"why", strerrordesc_np(errno)}});
        return false;
    }
    ledger().give(Ledger::held(seen) - std::min(Ledger::held(seen), size));
    return true;
}

void Partials::unlink(const std::string& file) {
    const auto directory = staging();
    struct stat seen {};
    const bool counts = directory && ledger().is_on() &&
                        ::fstatat((*directory)->get(), file.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0;
    if (!directory || ::unlinkat((*directory)->get(), file.c_str(), 0) == 0 || errno == ENOENT) {
        if (counts) ledger().give_file(seen);
        return;
    }
    log::warning("partial_not_removed", {{"file", file}, {"why", strerrordesc_np(errno)}});
}

}  // namespace stowage::ftps
