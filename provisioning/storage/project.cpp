// Reading and putting project ids.
// Runs in: root_step. Distrusts: the tree.
#include "provisioning/storage/project.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/log.hpp"
#include "provisioning/storage/beneath.hpp"
#include "provisioning/storage/marker.hpp"

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

/// Its own descriptor per level: names would not survive that a lab moves directories meanwhile, and ".."
/// could lead out of it.
class Tagging {
  public:
    explicit Tagging(std::uint32_t id) : id_(id) {}

    /// Everything in the directory, and itself. @param spared a name at the top that is left alone
    Result<void> run(Fd top, std::string_view spared) {
        allow_deep_trees();
        CHECK(enter(std::move(top), spared));
        while (!levels_.empty()) {
            auto& level = levels_.back();
            if (level.directories.empty()) {
                levels_.pop_back();
                continue;
            }
            const auto name = std::move(level.directories.back());
            level.directories.pop_back();
            auto inner = open_beneath(level.directory, name, O_RDONLY | O_DIRECTORY, Mounts::stay);
            if (inner)
                CHECK(enter(std::move(*inner), ""));
            else if (!is_gone(inner.error()))
                return inner.error();
        }
        return {};
    }

  private:
    struct Level {
        Fd directory;
        std::vector<std::string> directories;
    };

    static void allow_deep_trees() {
        rlimit limit{};
        if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
        limit.rlim_cur = limit.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &limit);
    }

    /// Removed or replaced since its name was read, or another filesystem's.
    static bool is_gone(const Error& error) {
        return error.code == Code::not_found || error.code == Code::in_use || error.code == Code::invalid;
    }

    Result<void> enter(Fd directory, std::string_view spared) {
        CHECK(set_project(directory, id_, true, "a directory of the lab"));
        Level level{std::move(directory), {}};
        const int again = ::openat(level.directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (again < 0) return system_error(errno, "open a directory of the lab");
        const std::unique_ptr<DIR, decltype([](DIR* d) { ::closedir(d); })> stream(::fdopendir(again));
        if (!stream) return system_error(errno, "read a directory of the lab");
        for (errno = 0; const auto* entry = ::readdir(stream.get()); errno = 0) {
            const std::string name = entry->d_name;
            if (name == "." || name == ".." || name == spared) continue;
            CHECK(take(level, name, entry->d_type));
        }
        if (errno != 0) return system_error(errno, "read a directory of the lab");
        levels_.push_back(std::move(level));
        return {};
    }

    Result<void> take(Level& level, const std::string& name, unsigned char type) {
        if (type == DT_UNKNOWN) {
            struct stat info {};
            if (::fstatat(level.directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};
            type = S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_FIFO;
        }
        if (type == DT_DIR) level.directories.push_back(name);
        if (type != DT_REG) return {};
        const auto file = open_beneath(level.directory, name, O_RDONLY, Mounts::stay);
        if (!file) return is_gone(file.error()) ? Result<void>() : file.error();
        const auto done = set_project(*file, id_, false, log::escaped(name));
        if (done || done.error().code != Code::denied) return done;
        // Immutable: it keeps what it has, and nobody can make it grow.
        log::notice("file_without_project", {{"file", name}, {"why", done.error().what}});
        return {};
    }

    std::uint32_t id_;
    std::vector<Level> levels_;
};

Result<void> tag_tree(const Fd& parent, const std::string& name, std::uint32_t id, std::string_view spared) {
    TRY(auto directory, open_beneath(parent, name, O_RDONLY | O_DIRECTORY, Mounts::stay));
    return Tagging(id).run(std::move(directory), spared);
}

}  // namespace

Result<Project> read_project(const Fd& lab_directory) {
    TRY(const auto top, attributes_of(lab_directory, "the lab"));
    Project project;
    if (top.fsx_xflags & FS_XFLAG_PROJINHERIT) project.id = top.fsx_projid;
    const auto marker = open_beneath(lab_directory, marker_folder, O_RDONLY | O_DIRECTORY);
    if (!marker || project.id == 0) return project;
    TRY(const auto last, attributes_of(*marker, marker_folder));
    project.whole = hands_down(last, project.id);
    return project;
}

Result<void> put_project(const Fd& lab_directory, std::uint32_t id) {
    if (id == 0) return Error{Code::internal, "project 0 is everybody's"};
    TRY(const auto before, read_project(lab_directory));
    if (before.id == id && before.whole) return {};
    TRY(const auto marker, open_beneath(lab_directory, marker_folder, O_RDONLY | O_DIRECTORY, Mounts::stay));
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
