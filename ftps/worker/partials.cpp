// Claims and publishing; the files themselves are in partial_files.cpp, where uploads begin is in
// partial_start.cpp, what stands in for paths in partial_index.cpp.
// Runs in: worker, on the file threads.
#include "ftps/worker/partials.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "ftps/worker/directory_names.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/file_times.hpp"
#include "ftps/worker/not_safe.hpp"
#include "ftps/worker/partial_mark.hpp"
#include "ftps/worker/paths.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

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

// CephFS, for one, cannot refuse to replace: there, what was seen a moment ago must do.
int put_in_place(int staging, const std::string& file, int parent, const std::string& name,
                 bool may_replace) {
    if (!may_replace) {
        const int moved = ::renameat2(staging, file.c_str(), parent, name.c_str(), RENAME_NOREPLACE);
        if (moved == 0 || errno != EINVAL) return moved;
    }
    return ::renameat(staging, file.c_str(), parent, name.c_str());
}

/// Before the rename: no name may reach the disk before what it is for.
int bring_to_disk(const Fd& file, bool names_go_with_files) {
    if (!names_go_with_files) return ::fsync(file.get());
    // Written and waited for, so that blocks and size are in the journal before the name; fsync(2) after the
    // rename has the disk write back its own cache.
    return ::sync_file_range(
        file.get(), 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

Error busy(const std::string& path, const std::string& user, Partials::Clock::time_point since) {
    return {Code::in_use,
            fmt::format("{}: {} has been uploading it since {}", path, user,
                        shown_time(Partials::Clock::to_time_t(since))),
            "wait until that upload has ended"};
}

/// Cuts what an earlier worker left at its first hole, if the power went meanwhile: ext4 and XFS may have its
/// size on the disk before its last bytes, which read as zeros then, and a client would go on behind them.
/// False if nothing of it can be gone on with.
bool cut_at_first_hole(const Fd& file, off_t size, const std::string& path) {
    const auto hole = ::lseek(file.get(), 0, SEEK_HOLE);
    if (hole < 0 || hole >= size) return true;  // none, or a filesystem that does not tell
    log::notice("partial_cut", {{"path", path}, {"bytes", size}, {"on_disk", hole}});
    return hole > 0 && ::ftruncate(file.get(), hole) == 0;
}

}  // namespace

Result<void> Partials::load() {
    const std::lock_guard lock(mutex_);
    TRY(const auto directory, staging());
    TRY(auto names, DirectoryNames::open(directory->get(), "/.stowage/partials"));
    const auto until = std::chrono::steady_clock::now() + most_loading_time;
    std::size_t looked_at = 0;
    while (const auto* entry = names.next()) {
        if (++looked_at > most_loaded || std::chrono::steady_clock::now() > until) {
            log::warning("partials_not_all_found",
                         {{"looked_at", looked_at - 1},
                          {"effect", "uploads that are not among them cannot be gone on with"},
                          {"remedy", "remove from /.stowage/partials what a pod has put there"}});
            break;
        }
        if (entry->d_name[0] != '.') adopt(*directory, entry->d_name);
    }
    if (names.failed() != 0) return file_error(names.failed(), "/.stowage/partials");
    return {};
}

void Partials::adopt(const Fd& directory, const char* file) {
    const Fd opened(::openat(directory.get(), file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat seen {};
    if (!opened || ::fstat(opened.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return;
    const auto [path, user] = read_partial_mark(opened);
    if (!is_path_of_upload(path) || !cut_at_first_hole(opened, seen.st_size, path)) {
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
    known->second = {next_id_++, file, user, since, false, true};
    known->second.idle = read_idle_age(opened);
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
        entry->second.idle.emplace(clocks_());
        const auto file = open_staged(entry->second.file, O_WRONLY, entry->first);
        if (!file) return;
        if (!entry->second.marked)
            entry->second.marked = put_partial_mark(*file, {entry->first, entry->second.user}).has_value();
        put_idle_age(*file, *entry->second.idle);
        return;
    }
    if (!entry->second.file.empty()) unlink(entry->second.file);
    entries_.erase(entry);
}

// The file is made outside the lock: other uploads would wait for the directory there.
Result<Fd> Partials::create(std::uint64_t id) {
    std::unique_lock lock(mutex_);
    const auto entry = find(id);
    if (entry == entries_.end()) return Error{Code::internal, "this upload lost its claim"};
    const auto path = entry->first;
    TRY(const auto directory, staging());
    lock.unlock();
    const auto name = random_name();
    TRY(auto fd, make_staged(*directory, name, path));
    lock.lock();
    const auto still = find(id);
    if (still == entries_.end()) {
        unlink(name);
        return Error{Code::internal, "this upload lost its claim"};
    }
    if (!still->second.file.empty()) unlink(still->second.file);
    still->second.file = name;
    still->second.marked = false;
    still->second.kept = 0;
    return fd;
}

Result<Fd> Partials::open_unseen(const Claim& claim) {
    const std::lock_guard lock(mutex_);
    const auto entry = find(claim.id_);
    if (entry == entries_.end()) return Error{Code::internal, "this upload lost its claim"};
    // Without a mark: what a crash leaves of it, load() removes.
    auto name = random_name();
    TRY(const auto directory, staging());
    TRY(auto fd, make_staged(*directory, name, entry->first));
    entry->second.unseen = std::move(name);
    return fd;
}

Result<void> Partials::mark(const Claim& claim, const Fd& file) {
    const std::lock_guard lock(mutex_);
    const auto entry = find(claim.id_);
    if (entry == entries_.end()) return Error{Code::internal, "this upload lost its claim"};
    if (entry->second.marked || !entry->second.unseen.empty()) return {};
    CHECK(put_partial_mark(file, {entry->first, entry->second.user}));
    entry->second.marked = true;
    return {};
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
    if (durability == Durability::full && bring_to_disk(file, names_go_with_files_) != 0)
        return file_error(errno, path);
    if (put_in_place(directory->get(), name, parent.get(), final_name, may_replace) != 0)
        return file_error(errno, path);
    if (replaces) ledger().give_file(old);
    // Only now: until it is published, the attributes are how the partial is found again.
    if (marked) drop_partial_mark(file);

    lock.lock();
    if (!superseded_file.empty()) unlink(superseded_file);
    if (const auto published = find(claim.id_); published != entries_.end()) entries_.erase(published);
    lock.unlock();
    if (durability == Durability::none) return {};
    if (!names_go_with_files_) return safe(directories_.sync(parent.get()));
    return ::fsync(file.get()) == 0 ? Result<void>() : not_safe(file_error(errno, path));
}

Result<void> Partials::settle(const Claim& claim, const Fd& file) {
    std::unique_lock lock(mutex_);
    const auto entry = find(claim.id_);
    if (entry == entries_.end() || !entry->second.unseen.empty()) return {};  // which goes with its claim
    const auto path = entry->first;
    lock.unlock();
    if (::fsync(file.get()) == 0) return {};
    auto error = file_error(errno, path);
    error.code = Code::io;
    return error;
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

}  // namespace stowage::ftps
