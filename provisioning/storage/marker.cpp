// Writing and checking `.stowage`.
// Runs in: root_step. Distrusts: the lab.
#include "provisioning/storage/marker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>

#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"
#include "provisioning/storage/beneath.hpp"
#include "provisioning/storage/others.hpp"

namespace stowage::storage {

namespace {

/// The first line is what whoever exports the lab compares (nfs/exports/export.cpp).
std::string marker_text(const std::string& lab, uid_t uid) {
    return fmt::format("{}\nuid={}\nversion=1\n", lab, uid);
}

/// Opens `.stowage`, making it if it is not there and moving an impostor aside.
Result<Fd> make_folder(const Fd& lab_directory) {
    auto folder = open_marker_folder(lab_directory);
    if (folder) return folder;
    if (::faccessat(lab_directory.get(), marker_folder, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        const auto aside = std::string(marker_folder) + "-set-aside-" + random_name();
        if (::renameat(lab_directory.get(), marker_folder, lab_directory.get(), aside.c_str()) != 0 &&
            errno != ENOENT)
            return system_error(errno, "set .stowage aside");
    }
    if (::mkdirat(lab_directory.get(), marker_folder, 0755) != 0 && errno != EEXIST)
        return system_error(errno, "mkdir .stowage");
    return open_marker_folder(lab_directory);  // in the lab's project, and so all that is made in it
}

Result<void> make_partials(const Fd& folder, uid_t uid) {
    if (::mkdirat(folder.get(), "partials", 0700) != 0 && errno != EEXIST)
        return system_error(errno, "mkdir .stowage/partials");
    TRY(const auto partials, open_beneath(folder, "partials", O_RDONLY | O_DIRECTORY));
    // What is renamed out of here into the lab keeps the ACL that it was made with.
    CHECK(keep_others_out(partials, ".stowage/partials"));
    return set_owner_and_mode(partials, uid, 0700, ".stowage/partials");
}

Result<void> fill(const Fd& folder, const char* name, const std::string& text) {
    const Fd file(::openat(folder.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444));
    if (!file) return system_error(errno, "create .stowage/lab");
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0) return system_error(errno, "write .stowage/lab");
    if (written != static_cast<ssize_t>(text.size())) return system_error(ENOSPC, "write .stowage/lab");
    if (::fchown(file.get(), 0, 0) != 0 || ::fchmod(file.get(), 0444) != 0 || ::fsync(file.get()) != 0)
        return system_error(errno, "write .stowage/lab");
    return {};
}

std::string root_mark_text(const LabsRoot& labs) {
    if (labs.id == message::Uuid{}) return {};
    return fmt::format("{:02x}\n", fmt::join(labs.id, ""));
}

/// An administrator's "yes" gives way to the id.
bool has_own_text(const Fd& root, const LabsRoot& labs) {
    if (root_mark(root, labs) != RootMark::right) return false;
    struct stat info {};
    const auto wanted = static_cast<off_t>(root_mark_text(labs).size());
    return wanted == 0 ||
           (::fstatat(root.get(), root_marker, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_size == wanted);
}

Result<void> write_root_marker(const Fd& root, const LabsRoot& labs) {
    // Only root writes in labs.root: whatever else has this name is an administrator's, and stays.
    const bool taken = ::faccessat(root.get(), root_marker, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    const auto words = std::string("create ") + root_marker + " in labs.root";
    if (taken && root_mark(root, labs) == RootMark::none) return system_error(EEXIST, words);
    constexpr const char* fresh = ".stowage-root.new";
    if (::unlinkat(root.get(), fresh, 0) != 0 && errno != ENOENT) return system_error(errno, words);
    const Fd file(::openat(root.get(), fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444));
    if (!file) return system_error(errno, words);
    const auto text = root_mark_text(labs);
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0) return system_error(errno, words);
    if (written != static_cast<ssize_t>(text.size())) return system_error(ENOSPC, words);
    if (::fsync(file.get()) != 0) return system_error(errno, words);
    if (::renameat(root.get(), fresh, root.get(), root_marker) != 0) return system_error(errno, words);
    return {};
}

Result<void> write_marker(const Fd& folder, const std::string& text) {
    // Always the same name: what a killed call left is overwritten by the next. Only root writes in here.
    constexpr const char* fresh = ".lab.new";
    if (::unlinkat(folder.get(), fresh, 0) != 0 && errno != ENOENT)
        return system_error(errno, "unlink .stowage/.lab.new");
    CHECK(fill(folder, fresh, text));
    if (::renameat(folder.get(), fresh, folder.get(), "lab") != 0)
        return system_error(errno, "rename .stowage/lab");
    if (::fsync(folder.get()) != 0) return system_error(errno, "fsync .stowage");
    return {};
}

}  // namespace

RootMark root_mark(const Fd& root, const LabsRoot& labs) {
    const Fd file(::openat(root.get(), root_marker, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != 0)
        return RootMark::none;
    char bytes[64];
    const auto count = ::read(file.get(), bytes, sizeof bytes);
    const std::string_view text(bytes, count > 0 ? static_cast<std::size_t>(count) : 0);
    const bool right = labs.id == message::Uuid{} || text == root_mark_text(labs) || text == "yes\n";
    return right ? RootMark::right : labs.known ? RootMark::foreign : RootMark::former;
}

Result<void> put_root_marker(const Fd& root, const LabsRoot& labs) {
    // Labs that are the first together write one after the other.
    if (::flock(root.get(), LOCK_EX) != 0) return system_error(errno, "lock labs.root");
    auto put = has_own_text(root, labs) ? Result<void>() : write_root_marker(root, labs);
    ::flock(root.get(), LOCK_UN);
    return put;
}

bool has_marker(const Fd& lab_directory, const std::string& lab, uid_t uid) {
    return read_marker(lab_directory) == marker_text(lab, uid);
}

Result<bool> is_labs_own(const Fd& lab_directory, const std::string& lab, uid_t uid) {
    if (has_marker(lab_directory, lab, uid)) return true;
    if (!marked_for(lab_directory).empty()) return false;
    struct stat info {};
    if (::fstat(lab_directory.get(), &info) != 0) return system_error(errno, "stat lab " + lab);
    return info.st_uid == uid && info.st_gid == uid;
}

Result<void> put_marker(const Fd& lab_directory, const std::string& lab, uid_t uid) {
    TRY(const auto folder, make_folder(lab_directory));
    // Also when it was there: a call that was killed may have left it with the group that the lab's setgid
    // bit hands down, or without the bits that umask took.
    CHECK(set_owner_and_mode(folder, 0, 0755, marker_folder));
    CHECK(make_partials(folder, uid));
    if (has_marker(lab_directory, lab, uid)) return {};
    return write_marker(folder, marker_text(lab, uid));
}

std::string marked_for(const Fd& lab_directory) {
    const auto text = read_marker(lab_directory);
    const auto end_of_name = text.find('\n');
    if (end_of_name == std::string::npos) return {};
    const auto rest = text.substr(end_of_name + 1);
    const auto uid = rest.starts_with("uid=") ? rest.substr(4, rest.find('\n') - 4) : "?";
    return log::escaped(text.substr(0, end_of_name)) + ", uid " + log::escaped(uid);
}

uid_t marked_uid(const Fd& lab_directory, const std::string& lab) {
    const auto text = read_marker(lab_directory);
    const auto start = lab + "\nuid=";
    if (!text.starts_with(start)) return 0;
    uid_t uid = 0;
    const auto [end, failed] = std::from_chars(text.data() + start.size(), text.data() + text.size(), uid);
    return failed == std::errc{} ? uid : 0;
}

std::string other_lab_of(const Fd& root, const std::string& lab, uid_t uid) {
    const auto names = names_in(root, SIZE_MAX);
    if (!names) return {};
    for (const auto& name : *names) {
        struct statx info {};
        // Without asking a server: another lab's filesystem may hang.
        constexpr int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
        if (name == lab || !parse_lab_name(name)) continue;
        if (::statx(root.get(), name.c_str(), flags, STATX_TYPE | STATX_UID, &info) != 0) continue;
        if (!S_ISDIR(info.stx_mode) || info.stx_uid != uid) continue;
        const auto directory = open_beneath(root, name.c_str(), O_RDONLY | O_DIRECTORY);
        if (directory && marked_uid(*directory, name) == uid) return name;
    }
    return {};
}

Result<bool> is_empty(const Fd& lab_directory) {
    TRY(const auto names, names_in(lab_directory, 2));
    if (names.empty()) return true;
    if (names.size() > 1 || names[0] != marker_folder) return false;
    const auto folder = open_marker_folder(lab_directory);
    if (!folder) return false;
    const auto partials = open_beneath(*folder, "partials", O_RDONLY | O_DIRECTORY);
    if (!partials) return true;
    TRY(const auto unfinished, names_in(*partials, 1));
    return unfinished.empty();
}

}  // namespace stowage::storage
