// Reading and putting project ids.
// Runs in: root_step. Distrusts: the tree.
#include "provisioning/storage/project.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

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

bool hands_down(const fsxattr& attributes, std::uint32_t id) {
    return attributes.fsx_projid == id && (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT);
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
    const auto marker =
        open_marker_folder(lab_directory);  // the lab can make one of that name, but not root's
    if (!marker || project.id == 0) return project;
    TRY(const auto last, attributes_of(*marker, marker_folder));
    project.whole = hands_down(last, project.id);
    return project;
}

Result<void> put_project(const Fd& lab_directory, std::uint32_t id) {
    if (id == 0) return Error{Code::internal, "project 0 is everybody's"};
    TRY(const auto before, read_project(lab_directory));
    if (before.id == id && before.whole) return {};
    TRY(const auto marker, open_marker_folder(lab_directory));
    if (before.id != id) CHECK(leave_project(marker));
    CHECK(set_project(lab_directory, id, true, "the lab"));
    // Before the rest: finished uploads are renamed out of it, which takes one project on both sides.
    CHECK(tag_tree(marker, "partials", id, ""));
    CHECK(tag_tree(lab_directory, ".", id, marker_folder));
    // Both filesystems' journals keep the order: after a power cut this is not there without the rest.
    CHECK(tag_tree(lab_directory, marker_folder, id, "partials"));
    if (::fsync(marker.get()) != 0) return system_error(errno, "fsync .stowage");
    return {};
}

Result<void> leave_project(const Fd& directory) {
    return set_project(directory, 0, true, "a directory of ours");
}

}  // namespace stowage::storage
