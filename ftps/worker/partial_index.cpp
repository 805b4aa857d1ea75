// Partials as names: asked for, listed, removed, moved, expired.
// Runs in: worker, on the file threads.
#include <fcntl.h>

#include <cerrno>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/partial_mark.hpp"
#include "ftps/worker/partials.hpp"
#include "ftps/worker/paths.hpp"

namespace stowage::ftps {

namespace {

Error none(const std::string& path) {
    return file_error(ENOENT, path);
}

std::string prefix_of(const std::string& directory) {
    return directory == "/" ? directory : directory + "/";
}

Error in_use(const std::string& path, const std::string& user) {
    return {Code::in_use, path + ": " + user + " is uploading it", "wait until that upload has ended"};
}

}  // namespace

std::optional<struct stat> Partials::stat_of(const Entry& entry) {
    struct stat seen {};
    if (entry.file.empty()) return {};
    const auto directory = staging();
    // Gone by this name: published a moment ago, or removed by a peer.
    if (!directory || ::fstatat((*directory)->get(), entry.file.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0)
        return {};
    if (!S_ISREG(seen.st_mode)) return {};
    seen.st_mode = S_IFREG | 0660;
    return seen;
}

Result<struct stat> Partials::stat(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(path);
    if (entry == entries_.end()) return none(path);
    if (const auto seen = stat_of(entry->second)) return *seen;
    return none(path);
}

Result<Fd> Partials::open_for_reading(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(path);
    if (entry == entries_.end() || entry->second.file.empty()) return none(path);
    return open_staged(entry->second.file, O_RDONLY, path);
}

std::map<std::string, struct stat> Partials::children(const std::string& directory) {
    const std::lock_guard lock(mutex_);
    const auto prefix = prefix_of(directory);
    std::map<std::string, struct stat> found;
    for (auto entry = entries_.lower_bound(prefix);
         entry != entries_.end() && entry->first.starts_with(prefix); ++entry) {
        const auto name = entry->first.substr(prefix.size());
        if (name.find('/') != std::string::npos) continue;
        if (const auto seen = stat_of(entry->second)) found.emplace(name, *seen);
    }
    return found;
}

bool Partials::any_within(const std::string& directory) {
    const std::lock_guard lock(mutex_);
    const auto prefix = prefix_of(directory);
    const auto first = entries_.lower_bound(prefix);
    return first != entries_.end() && first->first.starts_with(prefix);
}

std::vector<std::string> Partials::idle_within(const std::string& directory) {
    const std::lock_guard lock(mutex_);
    const auto prefix = prefix_of(directory);
    std::vector<std::string> found;
    for (auto entry = entries_.lower_bound(prefix);
         entry != entries_.end() && entry->first.starts_with(prefix); ++entry)
        if (!entry->second.active) found.push_back(entry->first);
    return found;
}

Result<void> Partials::remove(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(path);
    if (entry == entries_.end()) return none(path);
    if (entry->second.active) return in_use(path, entry->second.user);
    unlink(entry->second.file);
    entries_.erase(entry);
    return {};
}

void Partials::rekey(Entries::iterator entry, const std::string& to) {
    if (const auto file = open_staged(entry->second.file, O_WRONLY, to)) put_partial_path(*file, to);
    auto moved = entries_.extract(entry);
    moved.key() = to;
    entries_.insert(std::move(moved));
}

Result<void> Partials::move(const std::string& from, const std::string& to) {
    TRY(const auto parent, files_.open_parent(to));
    if (const auto there = files_.lstat(to); there && S_ISDIR(there->st_mode)) return file_error(EISDIR, to);
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(from);
    if (entry == entries_.end()) return none(from);
    if (entry->second.active) return in_use(from, entry->second.user);
    if (from == to) return {};
    if (const auto taken = entries_.find(to); taken != entries_.end()) {
        if (taken->second.active) return in_use(to, taken->second.user);
        unlink(taken->second.file);
        entries_.erase(taken);
    }
    rekey(entry, to);
    return {};
}

void Partials::move_within(const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    const auto prefix = prefix_of(from);
    for (;;) {
        const auto entry = entries_.lower_bound(prefix);
        if (entry == entries_.end() || !entry->first.starts_with(prefix)) return;
        const auto target = join(to, entry->first.substr(prefix.size()));
        if (is_within(target, from)) return;  // rename(2) refuses that; it would never end here
        if (const auto taken = entries_.find(target); taken != entries_.end()) {
            if (taken->second.active) return;
            unlink(taken->second.file);
            entries_.erase(taken);
        }
        rekey(entry, target);
    }
}

Result<void> Partials::check_idle(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(path);
    if (entry != entries_.end() && entry->second.active) return in_use(path, entry->second.user);
    return {};
}

Result<void> Partials::check_free(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(path);
    if (entry == entries_.end()) return {};
    if (entry->second.active) return in_use(path, entry->second.user);
    if (!stat_of(entry->second)) return {};
    return Error{Code::exists, path + ": an unfinished upload has this name", "finish or delete it first"};
}

Result<void> Partials::check_complete(const std::string& path) {
    if (!stat(path)) return {};
    return Error{Code::in_use, path + ": its upload is not complete",
                 "finish it first (REST, put -c), or delete it"};
}

void Partials::superseded(const std::string& path) {
    (void)remove(path);
}

std::size_t Partials::expire(std::chrono::seconds limit) {
    const std::lock_guard lock(mutex_);
    const auto now = clocks_();
    std::size_t removed = 0;
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        auto& partial = entry->second;
        const bool gone = !partial.active && !stat_of(partial);
        if (!partial.active && !gone) grow_older(entry, now);
        if (!gone && (partial.active || partial.idle->age() < limit)) {
            ++entry;
            continue;
        }
        unlink(partial.file);
        entry = entries_.erase(entry);
        ++removed;
    }
    return removed;
}

void Partials::grow_older(Entries::iterator entry, Moment now) {
    auto& idle = entry->second.idle;
    if (idle)
        idle->look(now);
    else
        idle.emplace(now);
    if (const auto file = open_staged(entry->second.file, O_WRONLY, entry->first)) put_idle_age(*file, *idle);
}

}  // namespace stowage::ftps
