// Checks that both servers need before anything is exported.
// Runs in: root_step, the Ganesha launcher. Distrusts: the lab's directory.
#include "nfs/exports/export.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "gateway/base/fd.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/lab_marker.hpp"
#include "gateway/base/mount_root.hpp"
#include "nfs/exports/exports_file.hpp"

namespace stowage::nfs {

namespace {

/// The lab that root's marker names; empty without one.
std::string marked_lab(const Fd& directory) {
    const auto text = read_marker(directory);
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
    const auto found = marked_lab(directory);
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
    if (!marked_lab(directory).empty()) return false;
    const std::unique_ptr<DIR, int (*)(DIR*)> names(::fdopendir(directory.get()), ::closedir);
    if (!names) return false;
    (void)directory.release();  // it is closed with the names
    while (const auto* entry = ::readdir(names.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") return true;
    }
    return false;
}

Result<std::string> mount_point_of(const std::string& path) {
    for (auto above = path; !above.empty(); above.resize(above.rfind('/'))) {
        TRY(const auto mounted, is_mount_root(AT_FDCWD, above));
        if (mounted) return fits_into_etab(above) ? above : std::string();
        if (above.find('/') == std::string::npos) break;
    }
    return std::string();
}

}  // namespace stowage::nfs
