// Checks that both servers need before anything is exported.
// Runs in: root_step, the Ganesha launcher. Distrusts: the lab's directory.
#include "nfs/exports/export.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "gateway/base/fd.hpp"
#include "gateway/base/identity.hpp"

namespace stowage::nfs {

namespace {

constexpr std::string_view marker = ".stowage/lab";

Fd open_below(const Fd& directory, const char* path, std::uint64_t flags) {
    open_how how{};
    how.flags = flags | O_CLOEXEC | O_NONBLOCK;  // a FIFO in the marker's place must not hold us up
    how.resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    return Fd(static_cast<int>(::syscall(SYS_openat2, directory.get(), path, &how, sizeof how)));
}

/// The marker's first line; empty when there is no such regular file.
std::string read_marker(const Fd& directory) {
    const auto fd = open_below(directory, marker.data(), O_RDONLY);
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    char bytes[128];
    const auto got = ::read(fd.get(), bytes, sizeof bytes);
    std::string text(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
    return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

bool Export::reads_only(const std::string& network) const {
    return std::find(read_only_clients.begin(), read_only_clients.end(), network) != read_only_clients.end();
}

bool Export::admits(const std::string& network) const {
    return reads_only(network) || std::find(clients.begin(), clients.end(), network) != clients.end();
}

std::string to_text(const Uuid& uuid) {
    std::string text;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += fmt::format("{:02x}", uuid[i]);
    }
    return text;
}

Result<void> check_fields(const Export& meant) {
    CHECK(parse_lab_name(meant.lab));
    if (meant.path.empty() || meant.path.front() != '/' || meant.path.size() > 4000)
        return Error{Code::invalid, "the path '" + meant.path + "' of an export is not absolute"};
    for (const unsigned char byte : meant.path)
        if (byte < 0x20 || byte == 0x7f)
            return Error{Code::invalid, "the path of lab " + meant.lab + " holds a control character",
                         "set labs.root to a directory with a plain name"};
    if (meant.uid == 0 || meant.gid == 0 || meant.uid == 0xffffffff || meant.gid == 0xffffffff)
        return Error{Code::invalid,
                     fmt::format("lab {} cannot be squashed to {}:{}", meant.lab, meant.uid, meant.gid)};
    if (meant.export_id == 0) return Error{Code::invalid, "lab " + meant.lab + " has export_id 0"};
    if (meant.clients.empty() && meant.read_only_clients.empty())
        return Error{Code::invalid, "lab " + meant.lab + " has no clients", "name at least one network"};
    for (const auto* networks : {&meant.clients, &meant.read_only_clients})
        for (const auto& network : *networks) {
            TRY(const auto canonical, parse_network(network));
            if (canonical != network)
                return Error{Code::invalid, "client network " + network + " is not canonical",
                             "use " + canonical};
        }
    return {};
}

Result<void> check_directory(const std::string& lab, const std::string& path) {
    Fd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return system_error(errno, "open " + path);
    const auto found = read_marker(directory);
    if (found == lab) return {};
    const auto remedy =
        "mount the lab's filesystem on " + path + ", or run `stowage apply` to make the directory";
    if (found.empty())
        return Error{Code::unavailable, path + "/.stowage/lab does not name lab " + lab + ": there is none",
                     remedy};
    return Error{Code::unavailable, path + "/.stowage/lab names another lab than " + lab, remedy};
}

bool is_lab_without_marker(const Export& meant) {
    Fd directory(::open(meant.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!directory || ::fstat(directory.get(), &status) != 0) return false;
    if (status.st_uid != meant.uid || status.st_gid != meant.gid) return false;
    if (!read_marker(directory).empty()) return false;
    const std::unique_ptr<DIR, int (*)(DIR*)> names(::fdopendir(directory.get()), ::closedir);
    if (!names) return false;
    (void)directory.release();  // it is closed with the names
    while (const auto* entry = ::readdir(names.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") return true;
    }
    return false;
}

Result<bool> is_mount_point(const std::string& path) {
    struct statx status {};
    if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &status) !=
        0)
        return system_error(errno, "statx " + path);
    if ((status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0)
        return Error{Code::unsupported, "this kernel does not tell mount points (statx)",
                     "use Linux 5.8 or newer"};
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Result<std::string> mount_point_of(const std::string& path) {
    for (auto above = path; !above.empty(); above.resize(above.rfind('/'))) {
        TRY(const auto mounted, is_mount_point(above));
        if (mounted) return above.find_first_of(",()") == std::string::npos ? above : std::string();
        if (above.find('/') == std::string::npos) break;
    }
    return std::string();
}

}  // namespace stowage::nfs
