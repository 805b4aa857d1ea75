// Deleting a lab's data.
// Runs in: root_step. Distrusts: the tree, which may be deep, huge, full of links, and change while it goes.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/base/log.hpp"
#include "provisioning/storage/beneath.hpp"
#include "provisioning/storage/lab_directory.hpp"
#include "provisioning/storage/marker.hpp"
#include "provisioning/storage/mounts.hpp"
#include "provisioning/storage/project.hpp"
#include "provisioning/storage/quota.hpp"
#include "provisioning/storage/subvolume.hpp"

namespace stowage::storage {

namespace {

// How a deletion survives being killed: the first deed is one rename(2) of the whole lab, marker and all,
// into a folder that only root enters. Before it the lab is whole, after it the name is free, and no
// half-deleted lab is ever seen under its name (a marker deleted before the files would leave a lab that
// nobody may delete; one deleted last would need an order of deletion). What lies in that folder was checked
// before it came there, so whoever finds the folder deletes on without looking for a marker.
constexpr const char* aside_name = "lab";
constexpr std::size_t names_at_once = 1000;

/// Deletes what is in a folder of ours. No recursion, so no depth of tree costs stack or descriptors:
/// directories that are not empty are thinned, their files deleted and their directories moved up into the
/// folder, where their turn comes.
class TreeDeletion {
  public:
    explicit TreeDeletion(const Fd& folder) : folder_(folder) {}

    Result<void> run() {
        for (;;) {
            TRY(const auto names, names_in(folder_, names_at_once));
            if (names.empty()) return {};
            for (const auto& name : names) {
                TRY(const bool gone, try_remove(folder_, name));
                if (!gone) CHECK(thin_and_remove(name));
            }
        }
    }

  private:
    /// False for a directory that is not empty.
    static Result<bool> try_remove(const Fd& directory, const std::string& name) {
        if (::unlinkat(directory.get(), name.c_str(), 0) == 0 || errno == ENOENT) return true;
        const int unlink_error = errno;
        // Linux says EISDIR, POSIX EPERM; but EPERM is also an immutable file.
        if (unlink_error != EISDIR && unlink_error != EPERM) return refused("unlink", name, unlink_error);
        if (::unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
        if (errno == ENOTEMPTY || errno == EEXIST) return false;
        return errno == ENOTDIR ? refused("unlink", name, unlink_error) : refused("rmdir", name, errno);
    }

    /// What thinning finds empty is removed at once: one that stays is not tried for ever.
    Result<void> thin_and_remove(const std::string& name) {
        TRY(const bool any, thin(name));
        if (any) return {};
        TRY(const bool gone, try_remove(folder_, name));
        if (gone) return {};
        return Error{
            Code::in_use, fmt::format("rmdir {}: nothing is in it, and it is not empty", log::escaped(name)),
            "on CephFS: remove the snapshots below the lab's folder (rmdir .snap/NAME) in labs.root"};
    }

    /// Removes or moves what is in it. False if there was nothing.
    Result<bool> thin(const std::string& name) {
        const auto directory = open_beneath(folder_, name, O_RDONLY | O_DIRECTORY, Mounts::stay);
        if (!directory) return directory.error();
        // Whoever still has it open can add nothing to it from here on: so each directory gets empty.
        if (::fchown(directory->get(), ::geteuid(), ::getegid()) != 0 ||
            ::fchmod(directory->get(), 0700) != 0)
            return refused("take over", name, errno);
        for (bool any = false;; any = true) {
            TRY(const auto names, names_in(*directory, names_at_once));
            if (names.empty()) return any;
            for (const auto& inner : names) {
                TRY(const bool gone, try_remove(*directory, inner));
                if (!gone) CHECK(move_up(*directory, inner));
            }
        }
    }

    Result<void> move_up(const Fd& directory, const std::string& name) {
        if (::renameat(directory.get(), name.c_str(), folder_.get(), random_name().c_str()) == 0) return {};
        return errno == ENOENT ? Result<void>() : refused("move", name, errno);
    }

    static Error refused(const char* what, const std::string& name, int error_number) {
        auto error = system_error(error_number, fmt::format("{} {}", what, log::escaped(name)));
        if (error_number == EBUSY || error_number == EXDEV) {
            error.code = Code::in_use;
            error.remedy = "unmount what is mounted there";
        }
        return error;
    }

    const Fd& folder_;
};

/// A folder of this lab's own that nobody but root enters.
Result<Fd> make_purge_folder(const Fd& root, const std::string& name) {
    if (::mkdirat(root.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
        return system_error(errno, "mkdir " + name);
    TRY(auto folder, open_beneath(root, name, O_RDONLY | O_DIRECTORY, Mounts::stay));
    // A project that labs.root hands down would refuse every rename into it.
    const auto left = leave_project(folder);
    if (!left && left.error().code != Code::unsupported) return left.error();
    return folder;
}

Result<void> check_ours(const Fd& directory, const LabPlace& place) {
    TRY(const bool own, is_labs_own(directory, place.name, place.uid));
    if (own) return {};
    const auto mark = marked_for(directory);
    // A lab whose making was cut off has no marker yet, and nothing to lose.
    TRY(const bool empty, is_empty(directory));
    if (empty && mark.empty()) return {};
    return Error{Code::denied,
                 mark.empty()
                     ? place.path() + " does not carry the marker of this lab, so its data is not deleted"
                     : fmt::format("{} bears the mark of lab {}, so it is not deleted", place.path(), mark),
                 "look at it, and delete it by hand if it may go"};
}

/// Moves the lab out of sight; nothing to do when it is gone already.
Result<void> set_aside(const Fd& root, const Fd& folder, const LabPlace& place) {
    auto seen = open_lab(root, place);
    if (!seen && seen.error().code == Code::not_found) return {};
    if (!seen) return seen.error();
    CHECK(check_ours(*seen, place));
    CHECK(check_no_other_mounts(root, place.name));
    seen->reset();
    CHECK(unmount(place.root_path, root, place.name));
    // Once more: what was looked at may have been mounted over this.
    TRY(const auto directory, open_lab(root, place));
    CHECK(check_ours(directory, place));
    if (::renameat(root.get(), place.name.c_str(), folder.get(), aside_name) != 0)
        return system_error(errno, "set " + place.path() + " aside");
    if (::fsync(folder.get()) != 0 || ::fsync(root.get()) != 0)
        return system_error(errno, "fsync " + place.root_path);
    return {};
}

/// Everything in the folder: the lab, and branches that were moved up.
Result<void> empty_folder(const Fd& folder) {
    auto lab = open_beneath(folder, aside_name, O_RDONLY | O_DIRECTORY, Mounts::stay);
    if (lab && is_subvolume(*lab)) {
        // Deleting writes first: a lab beyond its limit (its own subvolumes count beside it) could not be
        // deleted.
        CHECK(set_btrfs_quota(*lab, 0));
        lab->reset();
        CHECK(delete_subvolume(folder, aside_name));
    } else if (lab && is_cephfs(*lab)) {
        // CephFS renames nothing out of a directory with a quota.
        CHECK(set_cephfs_quota(*lab, 0, 0));
    }
    return TreeDeletion(folder).run();
}

}  // namespace

Result<void> purge_directory(const LabPlace& place) {
    TRY(const auto root, open_root(place.root_path));
    const auto folder_name = ".stowage-purge-" + place.name;
    TRY(const auto folder, make_purge_folder(root, folder_name));
    // First what an earlier, killed call left: the name must be free.
    CHECK(empty_folder(folder));
    const auto moved = set_aside(root, folder, place);
    if (moved) CHECK(empty_folder(folder));
    if (::unlinkat(root.get(), folder_name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
        return system_error(errno, "rmdir " + folder_name);
    CHECK(moved);
    if (::fsync(root.get()) != 0) return system_error(errno, "fsync " + place.root_path);
    return {};
}

}  // namespace stowage::storage
