// Path walks by openat2(2); the parent's descriptor and one name for everything that changes a directory.
// Runs in: worker, on the file threads.
#include "ftps/worker/lab_files.hpp"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/open_beneath.hpp"
#include "ftps/worker/paths.hpp"

namespace stowage::ftps {

namespace {

constexpr mode_t directory_mode = 02770;

Result<void> done(int outcome, const std::string& path) {
    if (outcome != 0) return file_error(errno, path);
    return {};
}

Result<void> demand_plain_file(const Fd& fd, const std::string& path) {
    struct stat seen {};
    if (::fstat(fd.get(), &seen) != 0) return file_error(errno, path);
    if (S_ISDIR(seen.st_mode)) return file_error(EISDIR, path);
    if (!S_ISREG(seen.st_mode)) return Error{Code::denied, path + ": not a plain file"};
    return {};
}

}  // namespace

LabFiles::LabFiles(Fd root, std::string alias) : root_(std::move(root)), alias_(std::move(alias)) {}

Result<Fd> LabFiles::open(const std::string& path, int flags) const {
    if (is_reserved(path)) return file_error(ENOENT, path);
    auto fd = open_beneath(root_.get(), relative(path).c_str(), flags);
    if (!fd) return file_error(errno, path);
    return fd;
}

std::optional<struct stat> LabFiles::there(const Fd& directory, const std::string& name) const {
    struct stat seen {};
    if (!ledger_.is_on() || ::fstatat(directory.get(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0)
        return {};
    return seen;
}

Result<LabFiles::DiskRoom> LabFiles::disk_room(bool sync) const {
    const Fd opened(open_beneath(root_.get(), ".", O_RDONLY | O_DIRECTORY));
    struct statfs room {};
    if (!opened || (sync && ::syncfs(opened.get()) != 0) || ::fstatfs(opened.get(), &room) != 0)
        return system_error(errno, "look at the lab's filesystem");
    DiskRoom left;
    left.bytes = static_cast<std::uint64_t>(room.f_bavail) * static_cast<std::uint64_t>(room.f_bsize);
    if (room.f_files > 0) left.inodes = room.f_ffree;
    return left;
}

bool LabFiles::ours(int directory) const {
    struct stat seen {};
    if (::fstat(directory, &seen) != 0) return true;
    const std::lock_guard lock(mutex_);
    return std::find(ours_.begin(), ours_.end(), std::pair{seen.st_dev, seen.st_ino}) != ours_.end();
}

Result<std::string> LabFiles::locate(const std::string& directory, const std::string& argument) const {
    TRY(auto path, absolute_path(directory, argument));
    if (const auto inside = without_alias(path, alias_)) {
        struct stat real {};
        if (::fstatat(root_.get(), relative(alias_).c_str(), &real, AT_SYMLINK_NOFOLLOW) != 0) path = *inside;
    }
    if (is_reserved(path)) return file_error(ENOENT, path);
    return path;
}

Result<struct stat> LabFiles::stat(const std::string& path) const {
    TRY(const auto fd, open(path, O_PATH));
    struct stat seen {};
    if (::fstat(fd.get(), &seen) != 0) return file_error(errno, path);
    return seen;
}

Result<struct stat> LabFiles::lstat(const std::string& path) const {
    TRY(const auto fd, open(path, O_PATH | O_NOFOLLOW));
    struct stat seen {};
    if (::fstat(fd.get(), &seen) != 0) return file_error(errno, path);
    return seen;
}

Result<Fd> LabFiles::open_directory(const std::string& path) const {
    TRY(auto fd, open(path, O_RDONLY | O_DIRECTORY));
    if (ours(fd.get())) return file_error(ENOENT, path);
    return fd;
}

Result<Fd> LabFiles::open_for_reading(const std::string& path) const {
    TRY(const auto parent, open_parent(path));
    // Looked at before it is opened: whoever writes to a fifo must not find a reader in us. And O_NONBLOCK,
    // for what a pod puts there in between must not hold the thread.
    TRY(const auto looked_at, open(path, O_PATH));
    CHECK(demand_plain_file(looked_at, path));
    TRY(auto fd, open(path, O_RDONLY | O_NONBLOCK));
    CHECK(demand_plain_file(fd, path));
    return fd;
}

Result<Fd> LabFiles::open_parent(const std::string& path) const {
    if (is_reserved(path)) return file_error(ENOENT, path);
    TRY(auto fd, open(parent_of(path), O_PATH | O_DIRECTORY));
    if (ours(fd.get()) || hides(fd.get(), name_of(path))) return file_error(ENOENT, path);
    return fd;
}

bool LabFiles::hides(int directory, std::string_view name) const {
    if (name != reserved_name) return false;
    struct stat seen {
    }, root{};
    return ::fstat(directory, &seen) != 0 || ::fstat(root_.get(), &root) != 0 ||
           (seen.st_dev == root.st_dev && seen.st_ino == root.st_ino);
}

int LabFiles::rights(int directory) {
    int rights = 0;
    for (const int right : {R_OK, W_OK, X_OK})
        if (has_rights(directory, right)) rights |= right;
    return rights;
}

bool LabFiles::has_rights(int directory, int rights) {
    return ::faccessat(directory, "", rights, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

std::string LabFiles::link_target(int directory, const char* name) {
    std::array<char, max_path_bytes + 1> target;
    const auto size = ::readlinkat(directory, name, target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

Result<void> LabFiles::make_directory(const std::string& path) const {
    if (path == "/") return file_error(EEXIST, path);
    TRY(const auto parent, open_parent(path));
    const auto name = name_of(path);
    CHECK(ledger_.take_name());
    if (::mkdirat(parent.get(), name.c_str(), directory_mode & 0777) != 0) {
        ledger_.give_name();
        return file_error(errno, path);
    }
    // The umask and a parent without setgid stand between mkdir and 2770. What a peer put there instead
    // stays.
    const Fd made(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (made) (void)::fchmod(made.get(), directory_mode);
    return {};
}

Result<void> LabFiles::remove_directory(const std::string& path) const {
    if (path == "/") return file_error(EPERM, path);
    TRY(const auto parent, open_parent(path));
    CHECK(done(::unlinkat(parent.get(), name_of(path).c_str(), AT_REMOVEDIR), path));
    ledger_.give_name();
    return {};
}

Result<void> LabFiles::remove_file(const std::string& path) const {
    if (path == "/") return file_error(EISDIR, path);
    TRY(const auto parent, open_parent(path));
    const auto name = name_of(path);
    const auto file = there(parent, name);
    CHECK(done(::unlinkat(parent.get(), name.c_str(), 0), path));
    if (file) ledger_.give_file(*file);
    return {};
}

Result<void> LabFiles::rename(const std::string& from, const std::string& to) const {
    if (from == "/" || to == "/") return file_error(EPERM, "/");
    TRY(const auto old_parent, open_parent(from));
    TRY(const auto new_parent, open_parent(to));
    const auto replaced = there(new_parent, name_of(to));
    CHECK(done(::renameat(old_parent.get(), name_of(from).c_str(), new_parent.get(), name_of(to).c_str()),
               from + " to " + to));
    if (replaced && from != to) ledger_.give_file(*replaced);
    return {};
}

// By name, not by descriptor: a file without read permission can be given it back. A link that a peer puts
// there in between leads at most to another file of this lab, for the root directory is the lab.
Result<void> LabFiles::set_mode(const std::string& path, mode_t mode) const {
    if (path == "/") return file_error(EPERM, path);
    TRY(const auto parent, open_parent(path));
    const auto name = name_of(path);
    struct stat seen {};
    if (::fstatat(parent.get(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0)
        return file_error(errno, path);
    if (S_ISLNK(seen.st_mode)) return Error{Code::denied, path + ": a symbolic link has no mode of its own"};
    const mode_t wanted = (mode & lab_rights) | (S_ISDIR(seen.st_mode) ? S_ISGID : 0);
    return done(::fchmodat(parent.get(), name.c_str(), wanted, 0), path);
}

Result<void> LabFiles::set_modified(const std::string& path, std::int64_t modified) const {
    if (path == "/") return file_error(EPERM, path);
    TRY(const auto parent, open_parent(path));
    const timespec times[2] = {{0, UTIME_OMIT}, {modified, 0}};
    return done(::utimensat(parent.get(), name_of(path).c_str(), times, AT_SYMLINK_NOFOLLOW), path);
}

Result<Fd> LabFiles::open_own(int parent, const char* name) {
    if (::mkdirat(parent, name, 0700) != 0 && errno != EEXIST) return file_error(errno, name);
    Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return file_error(errno, name);
    struct stat seen {};
    if (::fstat(fd.get(), &seen) != 0) return file_error(errno, name);
    const std::lock_guard lock(mutex_);
    const std::pair identity{seen.st_dev, seen.st_ino};
    if (std::find(ours_.begin(), ours_.end(), identity) == ours_.end()) ours_.push_back(identity);
    return fd;
}

Result<Fd> LabFiles::open_staging() {
    TRY(const auto own, open_own(root_.get(), reserved_name.data()));
    return open_own(own.get(), "partials");
}

}  // namespace stowage::ftps
