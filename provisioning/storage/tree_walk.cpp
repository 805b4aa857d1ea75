// Descending by descriptors, coming back by handles.
// Runs in: root_step.
#include "provisioning/storage/tree_walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <deque>
#include <vector>

#include "gateway/base/log.hpp"
#include "provisioning/storage/beneath.hpp"

namespace stowage::storage {

namespace {

// Of levels; the rest of a deeper tree is known by handles.
constexpr std::size_t most_open = 100;
// Names wait in memory; each level may always have one.
constexpr std::size_t names_at_once = 1000, most_names = 100'000;
constexpr std::size_t most_levels = 1'000'000;

/// Removed or replaced since its name was read, or another filesystem's.
bool is_gone(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR:
        case ELOOP:
        case EXDEV:
        case ENXIO:  // a socket, or a device without a driver
        case ENODEV:
            return true;
        default:
            return false;
    }
}

/// A directory without a descriptor, as NFS clients know it: it names the inode and its generation, so that
/// neither a path nor ".." decides where the walk goes on.
class Handle {
  public:
    Result<void> take(const Fd& directory) {
        Buffer buffer{};
        auto* handle = as_handle(buffer);
        handle->handle_bytes = most_bytes;
        int mount = 0;
        if (::name_to_handle_at(directory.get(), "", handle, &mount, AT_EMPTY_PATH) != 0)
            return system_error(errno, "take the handle of a directory of the lab");
        bytes_ = handle->handle_bytes;
        type_ = handle->handle_type;
        std::memcpy(value_.data(), handle->f_handle, bytes_);
        return {};
    }
    /// Without a value, errno tells why.
    Fd open(const Fd& filesystem) const {
        Buffer buffer{};
        auto* handle = as_handle(buffer);
        handle->handle_bytes = bytes_;
        handle->handle_type = type_;
        std::memcpy(handle->f_handle, value_.data(), bytes_);
        return Fd(::open_by_handle_at(filesystem.get(), handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }

  private:
    // btrfs has the longest, of 20.
    static constexpr unsigned most_bytes = 24;
    struct alignas(file_handle) Buffer {
        std::array<std::byte, sizeof(file_handle) + most_bytes> bytes;
    };
    static file_handle* as_handle(Buffer& buffer) {
        return reinterpret_cast<file_handle*>(buffer.bytes.data());
    }

    unsigned bytes_ = 0;
    int type_ = 0;
    std::array<unsigned char, most_bytes> value_{};
};

/// Waits until whoever has a lease on the file gives it back or loses it (/proc/sys/fs/lease-break-time): an
/// NFS client that holds a delegation does so at once.
Fd open_leased(const Fd& directory, const std::string& name) {
    const auto seen = try_open_beneath(directory, name, O_PATH, Mounts::stay);
    struct stat info {};
    if (!seen || ::fstat(seen.get(), &info) != 0) return {};
    if (S_ISREG(info.st_mode)) return Fd(::open(path_of(seen).c_str(), O_RDONLY | O_CLOEXEC));
    errno = ENXIO;
    return {};
}

/// Without a descriptor, if it is gone or no regular file any more.
Result<Fd> open_file(const Fd& directory, const std::string& name) {
    auto file = try_open_beneath(directory, name, O_RDONLY, Mounts::stay);
    if (!file && errno == EAGAIN) file = open_leased(directory, name);
    if (!file && is_gone(errno)) return Fd();
    if (!file) return system_error(errno, "open " + log::escaped(name));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return system_error(errno, "stat " + log::escaped(name));
    return S_ISREG(info.st_mode) ? std::move(file) : Fd();
}

class Walk {
  public:
    Walk(std::string_view spared, const TreeVisitor& visitor) : spared_(spared), visitor_(visitor) {}

    Result<void> run(Fd top) {
        CHECK(enter(std::move(top)));
        while (!levels_.empty()) {
            auto& level = levels_.back();
            if (!level.directories.empty())
                CHECK(descend(level));
            else if (!level.is_read)
                CHECK(read_on(level));
            else
                CHECK(leave());
        }
        return {};
    }

  private:
    struct Level {
        Fd directory;  // none: by `handle`, from `position` on
        Handle handle = {};
        off_t position = 0;
        std::vector<std::string> directories = {};
        bool is_read = false;
    };

    Result<void> enter(Fd directory) {
        if (levels_.size() == most_levels)
            return Error{Code::unsupported,
                         fmt::format("directories of the lab are nested more than {} times", most_levels),
                         "move some of them up"};
        CHECK(visitor_.directory(directory));
        levels_.push_back({std::move(directory)});
        if (levels_.size() - open_from_ > most_open) CHECK(put_away(levels_[open_from_++]));
        return {};
    }

    static Result<void> put_away(Level& level) {
        level.position = ::lseek(level.directory.get(), 0, SEEK_CUR);
        if (level.position < 0) return system_error(errno, "note the position in a directory of the lab");
        CHECK(level.handle.take(level.directory));
        level.directory.reset();
        return {};
    }

    Result<void> descend(Level& level) {
        const auto name = std::move(level.directories.back());
        level.directories.pop_back();
        --names_;
        auto inner = try_open_beneath(level.directory, name, O_RDONLY | O_DIRECTORY, Mounts::stay);
        if (inner) return enter(std::move(inner));
        return is_gone(errno) ? Result<void>() : system_error(errno, "open " + log::escaped(name));
    }

    /// Back to the next one above that is still there.
    Result<void> leave() {
        levels_.pop_back();
        while (!levels_.empty() && !levels_.back().directory) {
            auto& level = levels_.back();
            level.directory = level.handle.open(levels_.front().directory);
            if (!level.directory && errno != ESTALE)
                return system_error(errno, "open a directory of the lab by its handle");
            if (!level.directory) {
                names_ -= level.directories.size();
                levels_.pop_back();
            } else if (::lseek(level.directory.get(), level.position, SEEK_SET) < 0) {
                return system_error(errno, "read on in a directory of the lab");
            }
        }
        open_from_ = std::clamp<std::size_t>(levels_.size(), 2, open_from_ + 1) - 1;
        return {};
    }

    /// Files are shown as they come, directories are for later. Stops behind the last that may be held.
    Result<void> read_on(Level& level) {
        const auto room = most_names - std::min(names_, most_names);
        const auto most = std::clamp<std::size_t>(room, 1, names_at_once);
        const int fd = level.directory.get();
        while (level.directories.size() < most) {
            const auto size = ::getdents64(fd, buffer_.data(), buffer_.size());
            if (size < 0 && errno != ENOENT) return system_error(errno, "read a directory of the lab");
            level.is_read = size <= 0;  // nothing more, or the directory was removed
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
        if (type == DT_DIR) {
            level.directories.push_back(name);
            ++names_;
        }
        if (type != DT_REG) return {};
        TRY(const auto file, open_file(level.directory, name));
        return file ? visitor_.file(file, name) : Result<void>();
    }

    const std::string_view spared_;
    const TreeVisitor& visitor_;
    std::deque<Level> levels_;   // the first one is always open
    std::size_t open_from_ = 1;  // and from this one on all are
    std::size_t names_ = 0;      // that wait in all levels
    alignas(dirent64) std::array<char, 32768> buffer_;
};

}  // namespace

Result<void> walk_tree(Fd top, std::string_view spared, const TreeVisitor& visitor) {
    return Walk(spared, visitor).run(std::move(top));
}

}  // namespace stowage::storage
