// Reading and putting project ids.
// Runs in: root_step. Distrusts: the tree.
#include "provisioning/storage/project.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
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

// On the lab's own directory, which a pod cannot replace, and of a kind that only CAP_SYS_ADMIN can set and
// NFS does not carry: whatever pods do, a lab is walked through once.
constexpr const char* note = "security.stowage.whole";

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

/// Its own descriptor per level: names would not survive that a lab moves directories meanwhile, and ".."
/// could lead out of it. Of the names in a directory few are held at a time: there may be millions.
class Tagging {
  public:
    explicit Tagging(std::uint32_t id) : id_(id) {}

    /// Everything in the directory, and itself. @param spared a name at the top that is left alone
    Result<void> run(Fd top, std::string_view spared) {
        allow_deep_trees();
        spared_ = spared;
        CHECK(enter(std::move(top)));
        while (!levels_.empty()) {
            auto& level = levels_.back();
            if (level.directories.empty()) {
                if (level.is_read)
                    levels_.pop_back();
                else
                    CHECK(read_on(level));
                continue;
            }
            const auto name = std::move(level.directories.back());
            level.directories.pop_back();
            auto inner = open_beneath(level.directory, name, O_RDONLY | O_DIRECTORY, Mounts::stay);
            if (inner)
                CHECK(enter(std::move(*inner)));
            else if (!is_gone(inner.error()))
                return told(inner.error());
        }
        return {};
    }

  private:
    struct Level {
        Fd directory;
        std::vector<std::string> directories = {};
        bool is_read = false;
    };
    /// In deep trees one: each level holds its own.
    static constexpr std::size_t names_at_once = 1000, wide_levels = 100;

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

    Error told(Error error) const {
        if (levels_.size() > wide_levels)
            error.remedy = fmt::format("it is {} directories deep: move it up", levels_.size());
        return error;
    }

    Result<void> enter(Fd directory) {
        CHECK(set_project(directory, id_, true, "a directory of the lab"));
        levels_.push_back({std::move(directory)});
        return {};
    }

    /// Files get the project as they come, directories are for later. Stops behind the last that is held.
    Result<void> read_on(Level& level) {
        const auto most = levels_.size() > wide_levels ? 1 : names_at_once;
        const int fd = level.directory.get();
        while (level.directories.size() < most) {
            const auto size = ::getdents64(fd, buffer_.data(), buffer_.size());
            if (size < 0) return system_error(errno, "read a directory of the lab");
            level.is_read = size == 0;
            if (level.is_read) return {};
            for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
                const auto* entry = reinterpret_cast<const dirent64*>(buffer_.data() + at);
                at += entry->d_reclen;
                const std::string name = entry->d_name;
                const bool skipped = name == "." || name == ".." || (levels_.size() == 1 && name == spared_);
                if (!skipped) CHECK(take(level, name, entry->d_type));
                if (level.directories.size() < most) continue;
                if (::lseek(fd, entry->d_off, SEEK_SET) < 0)
                    return system_error(errno, "read on in a directory of the lab");
                break;
            }
        }
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
    std::string_view spared_;
    std::vector<Level> levels_;
    alignas(dirent64) std::array<char, 32768> buffer_;
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
