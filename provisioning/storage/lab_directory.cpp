// Making and looking at a lab's directory.
// Runs in: root_step. Distrusts: the inside of the lab.
#include "provisioning/storage/lab_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/base/log.hpp"
#include "provisioning/storage/beneath.hpp"
#include "provisioning/storage/marker.hpp"
#include "provisioning/storage/others.hpp"
#include "provisioning/storage/subvolume.hpp"

namespace stowage::storage {

namespace {

constexpr mode_t lab_mode = 02770;

Result<void> create(const Fd& root, const LabPlace& place) {
    if (is_btrfs(root)) return make_subvolume(root, place.name);
    if (::mkdirat(root.get(), place.name.c_str(), 0700) != 0)
        return system_error(errno, "mkdir " + place.path());
    return {};
}

/// An empty directory on btrfs gives way to a subvolume: only that can have a quota.
Result<void> make_way_for_subvolume(const Fd& root, const LabPlace& place) {
    if (!is_btrfs(root)) return {};
    {
        TRY(const auto directory, open_lab(root, place));
        TRY(const auto names, names_in(directory, 1));
        if (!is_btrfs(directory) || is_subvolume(directory) || !names.empty()) return {};
    }
    if (::unlinkat(root.get(), place.name.c_str(), AT_REMOVEDIR) != 0)
        return system_error(errno, "rmdir " + place.path());
    return {};
}

Result<void> create_if_missing(const Fd& root, const LabPlace& place) {
    struct stat info {};
    for (const bool again : {true, false}) {
        if (::fstatat(root.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno != ENOENT) return system_error(errno, "stat " + place.path());
            return create(root, place);
        }
        if (again) CHECK(make_way_for_subvolume(root, place));
    }
    return {};
}

/// Names of what is in a directory that is not ours, for the error.
std::string some_names(const Fd& directory) {
    const auto names = names_in(directory, 4);
    if (!names) return "files";
    std::string text;
    for (std::size_t i = 0; i < names->size() && i < 3; ++i)
        text += (i ? ", " : "") + log::escaped((*names)[i]);
    return names->size() > 3 ? text + ", …" : text;
}

/// Whose the files in a directory are that is not this lab's.
std::string description(const Fd& directory, const struct stat& info) {
    if (const auto mark = marked_for(directory); !mark.empty()) return "bears the mark of lab " + mark;
    return fmt::format("holds {}, and belongs to uid {}", some_names(directory), info.st_uid);
}

Result<void> check_ours(const Fd& directory, const LabPlace& place) {
    TRY(const bool own, is_labs_own(directory, place.name, place.uid));
    if (own) return {};
    TRY(const bool empty, is_empty(directory));
    if (empty && marked_for(directory).empty()) return {};
    struct stat info {};
    if (::fstat(directory.get(), &info) != 0) return system_error(errno, "stat " + place.path());
    return Error{Code::exists,
                 fmt::format("{} exists already and {}", place.path(), description(directory, info)),
                 "choose another lab name, or move that directory away; its files can be copied into the lab "
                 "afterwards"};
}

/// An empty directory under a mount point looks like a new filesystem, and marked once it would be believed.
Result<void> check_filesystem(const Fd& root, const LabPlace& place) {
    const auto mark = root_mark(root, place.labs);
    if (mark == RootMark::right) return {};
    const auto directory = open_lab(root, place);
    const bool own = directory && has_marker(*directory, place.name, place.uid);
    if (own && mark != RootMark::foreign) return {};
    return Error{Code::unavailable,
                 fmt::format("{} is not the filesystem on which labs were made: it does not bear their {}",
                             place.root_path, root_marker),
                 fmt::format("mount it; if the labs are to be made again on this one: echo yes >{}/{}",
                             place.root_path, root_marker)};
}

}  // namespace

Result<Fd> open_root(const std::string& root_path) {
    Fd root(::open(root_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) {
        auto error = system_error(errno, "labs.root " + root_path);
        error.remedy = "mount the labs' filesystem there, or create it";
        return error;
    }
    struct stat info {};
    if (::fstat(root.get(), &info) != 0) return system_error(errno, "stat " + root_path);
    if (info.st_uid != 0 || (info.st_mode & S_IWOTH) || ((info.st_mode & S_IWGRP) && info.st_gid != 0))
        return Error{Code::config, "others than root may write in labs.root " + root_path,
                     "chown root:root and chmod 0755 it"};
    return root;
}

Result<Fd> open_lab(const Fd& root, const LabPlace& place) {
    auto directory = open_beneath(root, place.name, O_RDONLY | O_DIRECTORY);
    if (directory) return directory;
    struct stat info {};
    if (::fstatat(root.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return directory;
    if (S_ISDIR(info.st_mode)) return directory;
    return Error{Code::differs, place.path() + " is not a directory", "move it away"};
}

Result<void> make_directory(const LabPlace& place, bool labs_were_made) {
    TRY(const auto root, open_root(place.root_path));
    if (labs_were_made) CHECK(check_filesystem(root, place));
    CHECK(put_root_marker(root, place.labs));
    CHECK(create_if_missing(root, place));
    TRY(const auto directory, open_lab(root, place));
    CHECK(check_ours(directory, place));
    CHECK(put_marker(directory, place.name, place.uid));
    CHECK(keep_others_out(directory, place.path()));
    // Owner and mode last: before that the lab cannot get in and see half of it.
    CHECK(set_owner_and_mode(directory, place.uid, lab_mode, place.path()));
    if (::fsync(directory.get()) != 0 || ::fsync(root.get()) != 0)
        return system_error(errno, "fsync " + place.path());
    if (is_subvolume(directory)) return mount_subvolume(place.root_path, root, place.name);
    return {};
}

Result<void> mount_directory(const LabPlace& place) {
    TRY(const auto root, open_root(place.root_path));
    TRY(const auto directory, open_lab(root, place));
    TRY(const bool own, is_labs_own(directory, place.name, place.uid));
    if (!own)
        return Error{Code::differs,
                     place.path() + " does not bear the mark of this lab, so it is not mounted",
                     "look at it; `stowage apply` makes the lab's directory as it should be"};
    if (is_subvolume(directory)) return mount_subvolume(place.root_path, root, place.name);
    return {};
}

Result<message::LabObservation> observe_directory(const LabPlace& place) {
    message::LabObservation seen;
    TRY(const auto root, open_root(place.root_path));
    const auto mark = root_mark(root, place.labs);
    seen.root_marked = mark == RootMark::right;
    seen.root_foreign = mark == RootMark::foreign;
    const auto directory = open_lab(root, place);
    if (!directory && directory.error().code == Code::not_found) {
        seen.uid_owner.assign_cut(other_lab_of(root, place.name, place.uid));
        return seen;
    }
    if (!directory) return directory.error();
    struct stat info {};
    if (::fstat(directory->get(), &info) != 0) return system_error(errno, "stat " + place.path());
    seen.directory_exists = 1;
    seen.uid = info.st_uid;
    seen.gid = info.st_gid;
    seen.mode = info.st_mode & 07777;
    seen.open_to_others = is_open_to_others(*directory);
    seen.marked = has_marker(*directory, place.name, place.uid);
    if (!seen.marked) {
        seen.marked_uid = marked_uid(*directory, place.name);
        seen.uid_owner.assign_cut(other_lab_of(root, place.name, place.uid));
    }
    TRY(const bool empty, is_empty(*directory));
    seen.empty = empty;
    TRY(const bool mounted, is_mounted_safely(root, place.name));
    seen.mounted = mounted || !is_subvolume(*directory);
    return seen;
}

Result<void> release_directory(const LabPlace& place) {
    TRY(const auto root, open_root(place.root_path));
    if (!is_btrfs(root)) return {};
    return unmount(place.root_path, root, place.name);
}

}  // namespace stowage::storage
