// Reading and putting project ids.
// Runs in: root_step. Distrusts: the tree.
#include "provisioning/storage/project.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "gateway/base/log.hpp"
#include "provisioning/storage/beneath.hpp"
#include "provisioning/storage/marker.hpp"
#include "provisioning/storage/tree_walk.hpp"

namespace stowage::storage {

namespace {

Result<fsxattr> attributes_of(const Fd& fd, const std::string& what) {
    fsxattr attributes{};
    if (::ioctl(fd.get(), FS_IOC_FSGETXATTR, &attributes) != 0)
        return system_error(errno, "read the project of " + what);
    return attributes;
}

// On the lab's own directory, which a pod cannot replace, and of a kind that only CAP_SYS_ADMIN can set, NFS
// does not carry and XFS keeps room for in a full lab: whatever pods do, a lab is walked through once.
constexpr const char* note = "trusted.stowage.whole";

/// Of this directory alone: a copy of it has files that were never given the project.
Result<std::string> note_of(const Fd& lab_directory, std::uint32_t id) {
    struct statx info {};
    if (::statx(lab_directory.get(), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info) != 0)
        return system_error(errno, "stat the lab");
    return fmt::format("project={} inode={} born={}.{:09}", id, info.stx_ino, info.stx_btime.tv_sec,
                       info.stx_btime.tv_nsec);
}

Result<void> set_project(const Fd& fd, std::uint32_t id, bool directory, const std::string& what) {
    TRY(auto attributes, attributes_of(fd, what));
    const auto before = attributes;
    attributes.fsx_projid = id;
    if (directory && id) attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    if (directory && !id) attributes.fsx_xflags &= ~static_cast<unsigned>(FS_XFLAG_PROJINHERIT);
    if (before.fsx_projid == id && before.fsx_xflags == attributes.fsx_xflags) return {};
    if (::ioctl(fd.get(), FS_IOC_FSSETXATTR, &attributes) != 0)
        return system_error(errno, "set the project of " + what);
    return {};
}

Result<void> tag_file(const Fd& file, std::uint32_t id, const std::string& name) {
    const auto done = set_project(file, id, false, log::escaped(name));
    if (done || done.error().code != Code::denied) return done;
    // Immutable: it keeps what it has, and nobody can make it grow.
    log::notice("file_without_project", {{"file", name}, {"why", done.error().what}});
    return {};
}

/// Everything in the directory, and itself. @param spared a name at the top that is left alone
Result<void> tag_tree(const Fd& parent, const std::string& name, std::uint32_t id, std::string_view spared) {
    TRY(auto directory, open_beneath(parent, name, O_RDONLY | O_DIRECTORY, Mounts::stay));
    const TreeVisitor tag = {
        [id](const Fd& inner) { return set_project(inner, id, true, "a directory of the lab"); },
        [id](const Fd& file, const std::string& called) { return tag_file(file, id, called); }};
    return walk_tree(std::move(directory), spared, tag);
}

}  // namespace

Result<Project> read_project(const Fd& lab_directory) {
    TRY(const auto top, attributes_of(lab_directory, "the lab"));
    Project project;
    if (top.fsx_xflags & FS_XFLAG_PROJINHERIT) project.id = top.fsx_projid;
    if (project.id == 0) return project;
    TRY(const auto meant, note_of(lab_directory, project.id));
    char text[128];
    const auto size = ::fgetxattr(lab_directory.get(), note, text, sizeof text);
    project.whole = size >= 0 && std::string_view(text, static_cast<std::size_t>(size)) == meant;
    return project;
}

Result<void> put_project(const Fd& lab_directory, std::uint32_t id) {
    if (id == 0) return Error{Code::internal, "project 0 is everybody's"};
    TRY(const auto before, read_project(lab_directory));
    if (before.id == id && before.whole) return {};
    if (::fremovexattr(lab_directory.get(), note) != 0 && errno != ENODATA)
        return system_error(errno, "take the note off the lab that it has one project");
    CHECK(set_project(lab_directory, id, true, "the lab"));
    // Before the rest: finished uploads are renamed out of it, which takes one project on both sides.
    const bool has_marker = open_marker_folder(lab_directory).has_value();
    if (has_marker) CHECK(tag_tree(lab_directory, marker_folder, id, ""));
    CHECK(tag_tree(lab_directory, ".", id, has_marker ? marker_folder : ""));
    // Both filesystems' journals keep the order: after a power cut this is not there without the rest.
    TRY(const auto text, note_of(lab_directory, id));
    if (::fsetxattr(lab_directory.get(), note, text.data(), text.size(), 0) != 0 ||
        ::fsync(lab_directory.get()) != 0)
        return system_error(errno, "note on the lab that it has one project");
    return {};
}

Result<void> leave_project(const Fd& directory) {
    return set_project(directory, 0, true, "a directory of ours");
}

}  // namespace stowage::storage
