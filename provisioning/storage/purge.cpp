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
#include "provisioning/storage/subvolume.hpp"

namespace stowage::storage {

namespace {

constexpr const char* aside_name = "lab";
constexpr int max_depth = 200;  // descriptors held at once while descending
constexpr std::size_t names_at_once = 10'000;

/// Deletes what is in `directory`. A directory below max_depth is moved up to `top` first and found there
/// later, so that no depth of tree needs more descriptors than that.
class TreeDeletion {
  public:
    explicit TreeDeletion(const Fd& top) : top_(top) {}

    Result<void> empty(const Fd& directory, int depth) {
        for (;;) {
            TRY(const auto names, names_in(directory, names_at_once));
            if (names.empty()) return {};
            for (const auto& name : names)
                CHECK(remove(directory, name, depth));
        }
    }

    Result<void> remove(const Fd& directory, const std::string& name, int depth) {
        if (::unlinkat(directory.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
        if (errno != EISDIR && errno != EPERM) return system_error(errno, "unlink " + log::escaped(name));
        if (::unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) == 0) return {};
        if (depth >= max_depth) return move_up(directory, name);
        if (errno == ENOTEMPTY || errno == EEXIST) {
            TRY(const auto child, open_beneath(directory, name, O_RDONLY | O_DIRECTORY));
            CHECK(empty(child, depth + 1));
            if (::unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) == 0) return {};
        }
        return system_error(errno, "rmdir " + log::escaped(name));
    }

  private:
    Result<void> move_up(const Fd& directory, const std::string& name) {
        const auto target = fmt::format("deep-{}-{}", ::getpid(), moved_++);
        if (::renameat(directory.get(), name.c_str(), top_.get(), target.c_str()) != 0)
            return system_error(errno, "move " + log::escaped(name) + " up");
        return {};
    }

    const Fd& top_;
    unsigned moved_ = 0;
};

/// A folder of this lab's own that nobody but root enters.
Result<Fd> make_purge_folder(const Fd& root, const std::string& name) {
    if (::mkdirat(root.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
        return system_error(errno, "mkdir " + name);
    return open_beneath(root, name, O_RDONLY | O_DIRECTORY);
}

/// Moves the lab out of sight; nothing to do when it is gone already.
Result<void> set_aside(const Fd& root, const Fd& folder, const LabPlace& place) {
    auto directory = open_lab(root, place);
    if (!directory) {
        if (directory.error().code == Code::not_found) return {};
        return directory.error();
    }
    if (!has_marker(*directory, place.name, place.uid))
        return Error{Code::denied,
                     place.path() + " does not carry the marker of this lab, so its data is not deleted",
                     "look at it, and delete it by hand if it may go"};
    CHECK(unmount(place.root_path, root, place.name));
    if (::renameat(root.get(), place.name.c_str(), folder.get(), aside_name) != 0)
        return system_error(errno, "set " + place.path() + " aside");
    if (::fsync(folder.get()) != 0 || ::fsync(root.get()) != 0)
        return system_error(errno, "fsync " + place.root_path);
    return {};
}

/// Everything in the folder: the lab, and branches that were moved up.
Result<void> empty_folder(const Fd& folder) {
    const auto lab = open_beneath(folder, aside_name, O_RDONLY | O_DIRECTORY);
    if (lab && is_subvolume(*lab)) CHECK(delete_subvolume(folder, aside_name));
    return TreeDeletion(folder).empty(folder, 0);
}

}  // namespace

Result<void> purge_directory(const LabPlace& place) {
    TRY(const auto root, open_root(place.root_path));
    const auto folder_name = ".stowage-purge-" + place.name;
    TRY(const auto folder, make_purge_folder(root, folder_name));
    // First what an earlier, killed call left: the name must be free.
    CHECK(empty_folder(folder));
    CHECK(set_aside(root, folder, place));
    CHECK(empty_folder(folder));
    if (::unlinkat(root.get(), folder_name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
        return system_error(errno, "rmdir " + folder_name);
    return {};
}

}  // namespace stowage::storage
