// Writing and checking `.stowage`.
// Runs in: root_step. Distrusts: the lab.
#include "provisioning/storage/marker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "provisioning/storage/beneath.hpp"

namespace stowage::storage {

namespace {

/// The first line is what whoever exports the lab compares (nfs/exports/export.cpp).
std::string marker_text(const std::string& lab, uid_t uid) {
    return fmt::format("{}\nuid={}\nversion=1\n", lab, uid);
}

/// `.stowage` if it is a directory that root made: the lab cannot make one of root's.
Result<Fd> open_folder(const Fd& lab_directory) {
    TRY(auto folder, open_beneath(lab_directory, marker_folder, O_RDONLY | O_DIRECTORY));
    struct stat info {};
    if (::fstat(folder.get(), &info) != 0) return system_error(errno, "stat .stowage");
    if (info.st_uid != 0) return Error{Code::differs, ".stowage is not root's"};
    return folder;
}

std::string random_suffix() {
    std::uint64_t number = 0;
    (void)::getrandom(&number, sizeof number, 0);
    return fmt::format("{:016x}", number);
}

/// Opens `.stowage`, making it if it is not there and moving an impostor aside.
Result<Fd> make_folder(const Fd& lab_directory) {
    auto folder = open_folder(lab_directory);
    if (folder) return folder;
    if (folder.error().code != Code::not_found ||
        ::faccessat(lab_directory.get(), marker_folder, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        const auto aside = std::string(marker_folder) + "-set-aside-" + random_suffix();
        if (::renameat(lab_directory.get(), marker_folder, lab_directory.get(), aside.c_str()) != 0 &&
            errno != ENOENT)
            return system_error(errno, "set .stowage aside");
    }
    if (::mkdirat(lab_directory.get(), marker_folder, 0755) != 0 && errno != EEXIST)
        return system_error(errno, "mkdir .stowage");
    TRY(auto made, open_folder(lab_directory));
    // The lab directory's setgid bit handed its group down; umask took bits away.
    if (::fchown(made.get(), 0, 0) != 0 || ::fchmod(made.get(), 0755) != 0)
        return system_error(errno, "chmod .stowage");
    return made;
}

Result<void> make_partials(const Fd& folder, uid_t uid) {
    if (::mkdirat(folder.get(), "partials", 0700) != 0 && errno != EEXIST)
        return system_error(errno, "mkdir .stowage/partials");
    TRY(const auto partials, open_beneath(folder, "partials", O_RDONLY | O_DIRECTORY));
    if (::fchown(partials.get(), uid, uid) != 0 || ::fchmod(partials.get(), 0700) != 0)
        return system_error(errno, "chown .stowage/partials");
    return {};
}

Result<void> write_marker(const Fd& folder, const std::string& text) {
    const auto temporary = ".lab-" + random_suffix();
    Fd file(::openat(folder.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                     0444));
    if (!file) return system_error(errno, "create .stowage/lab");
    const bool written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                         ::fchmod(file.get(), 0444) == 0 && ::fsync(file.get()) == 0 &&
                         ::renameat(folder.get(), temporary.c_str(), folder.get(), "lab") == 0;
    if (!written) {
        const auto error = system_error(errno, "write .stowage/lab");
        ::unlinkat(folder.get(), temporary.c_str(), 0);
        return error;
    }
    if (::fsync(folder.get()) != 0) return system_error(errno, "fsync .stowage");
    return {};
}

}  // namespace

bool has_marker(const Fd& lab_directory, const std::string& lab, uid_t uid) {
    const auto folder = open_folder(lab_directory);
    if (!folder) return false;
    const auto file = open_beneath(*folder, "lab", O_RDONLY);
    if (!file) return false;
    char text[256];
    const auto got = ::read(file->get(), text, sizeof text);
    return got > 0 && std::string_view(text, static_cast<std::size_t>(got)) == marker_text(lab, uid);
}

Result<void> put_marker(const Fd& lab_directory, const std::string& lab, uid_t uid) {
    TRY(const auto folder, make_folder(lab_directory));
    CHECK(make_partials(folder, uid));
    if (has_marker(lab_directory, lab, uid)) return {};
    return write_marker(folder, marker_text(lab, uid));
}

Result<bool> is_empty(const Fd& lab_directory) {
    TRY(const auto names, names_in(lab_directory, 2));
    if (names.empty()) return true;
    if (names.size() > 1 || names[0] != marker_folder) return false;
    const auto folder = open_folder(lab_directory);
    if (!folder) return false;
    const auto partials = open_beneath(*folder, "partials", O_RDONLY | O_DIRECTORY);
    if (!partials) return true;
    TRY(const auto unfinished, names_in(*partials, 1));
    return unfinished.empty();
}

}  // namespace stowage::storage
