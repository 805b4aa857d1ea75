// One member after the other, each by its parent's descriptor and one name.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/unpack_tree.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <optional>
#include <utility>

#include "ftps/worker/archive_reader.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/member_names.hpp"
#include "ftps/worker/open_beneath.hpp"
#include "ftps/worker/paths.hpp"

namespace stowage::ftps {

namespace {

constexpr std::uint64_t write_back_bytes = 16 * 1024 * 1024;

class Tree {
  public:
    Tree(int top, const UnpackLimits& limits, LedgerShare& share, Transfer& transfer)
        : top_(top), limits_(limits), share_(share), transfer_(transfer) {}

    Result<void> add(ArchiveReader& reader, const Member& member);
    /// Behind the last member.
    void leave();
    Unpacked take() { return std::move(done_); }

  private:
    // How a step went: an errno that concerns this one name leaves the member out, others end everything.
    Result<void> outcome(int error_number, const std::string& path);
    Result<void> leave_out(Unpacked::LeftOut why, const std::string& name);
    int enter(const std::string& directory);
    int make_way(const std::string& directory);
    template <typename Make>
    int make_anew(const std::string& path, Make make);
    Result<void> add_file(ArchiveReader& reader, const Member& member, const std::string& path);
    Result<void> add_directory(const Member& member, const std::string& path);
    Result<void> add_symbolic_link(const Member& member, const std::string& path);
    Result<void> add_hard_link(const Member& member, const std::string& path);
    Result<void> write_content(ArchiveReader& reader, const Member& member, const Fd& file);
    Result<void> count_bytes(std::uint64_t more);

    const int top_;
    const UnpackLimits limits_;
    LedgerShare& share_;
    Transfer& transfer_;
    Unpacked done_;
    std::uint64_t members_ = 0, logical_bytes_ = 0;
    // The directory that was last worked in: members mostly come directory by directory.
    std::string inside_;
    Fd inside_fd_;
    // What that directory gets when it is left. Each directory keeps its own time so, whatever comes into it
    // later and in whichever order: a list of those that an archive names could grow without an end.
    std::optional<timespec> inside_time_;
};

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

void set_time(int fd, const std::optional<timespec>& modified) {
    if (!modified) return;
    const timespec times[2] = {{0, UTIME_OMIT}, *modified};
    (void)::futimens(fd, times);  // a time that the filesystem cannot hold is no reason to refuse a dataset
}

std::optional<timespec> time_of(int fd) {
    struct stat seen {};
    return ::fstat(fd, &seen) == 0 ? std::optional(seen.st_mtim) : std::nullopt;
}

Result<void> Tree::leave_out(Unpacked::LeftOut why, const std::string& name) {
    ++done_.left_out[why];
    if (done_.first_left_out.empty()) done_.first_left_out = name;
    return {};
}

Result<void> Tree::outcome(int error_number, const std::string& path) {
    switch (error_number) {
        case 0:
            return {};
        // A member lies "below" a file or a link, or where a directory is: only made-up archives have that.
        case EEXIST:
        case EISDIR:
        case ENOTDIR:
        case ELOOP:
            return leave_out(Unpacked::taken_names, path);
        default:
            return file_error(error_number, path);
    }
}

/// Makes `inside_fd_` the directory of that path, and what is missing on the way. 0 or an errno.
int Tree::enter(const std::string& directory) {
    if (inside_fd_ && inside_ == directory) return 0;
    leave();
    inside_fd_ = open_without_links(top_, directory, O_RDONLY | O_DIRECTORY);
    if (!inside_fd_ && errno == ENOENT)
        if (const int failed = make_way(directory); failed != 0) return failed;
    if (!inside_fd_) return errno;
    inside_ = directory;
    inside_time_ = time_of(inside_fd_.get());
    return 0;
}

void Tree::leave() {
    if (inside_fd_) set_time(inside_fd_.get(), inside_time_);
    inside_fd_.reset();
}

int Tree::make_way(const std::string& directory) {
    Fd at = open_without_links(top_, "", O_RDONLY | O_DIRECTORY);
    for (std::string_view rest = directory; !rest.empty();) {
        const auto end = rest.find('/');
        const std::string part(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        const auto time = time_of(at.get());
        if (::mkdirat(at.get(), part.c_str(), 0770) == 0) {
            ++done_.directories;
            set_time(at.get(), time);
        } else if (errno != EEXIST) {
            return errno;
        }
        Fd next(::openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) return errno;
        at = std::move(next);
    }
    inside_fd_ = std::move(at);
    return 0;
}

/// Runs `make(parent, name)`, which answers 0 or an errno, where `path` lies. An archive may hold a name
/// twice, and the last one counts: the first is unlinked, never written to, for another name may be linked to
/// it.
template <typename Make>
int Tree::make_anew(const std::string& path, Make make) {
    if (const int failed = enter(directory_of(path)); failed != 0) return failed;
    const auto name = name_of(path);
    int failed = make(inside_fd_.get(), name.c_str());
    if (failed != EEXIST) return failed;
    if (::unlinkat(inside_fd_.get(), name.c_str(), 0) != 0) return errno;
    return make(inside_fd_.get(), name.c_str());
}

Result<void> Tree::count_bytes(std::uint64_t more) {
    if (more > limits_.bytes || logical_bytes_ > limits_.bytes - more)
        return Error{Code::over_quota,
                     fmt::format("the archive holds more than {} bytes, which is far too much for its size",
                                 limits_.bytes),
                     "unpack it in a pod if that is really meant"};
    logical_bytes_ += more;
    return {};
}

Result<void> Tree::write_content(ArchiveReader& reader, const Member& member, const Fd& file) {
    std::uint64_t end = 0, written_back = 0;
    for (;;) {
        TRY(const auto block, reader.read());
        if (!block) break;
        const auto to = block->offset + block->bytes.size();
        if (to > end) CHECK(count_bytes(to - end));
        CHECK(share_.take(block->bytes.size()));
        auto rest = block->bytes;
        for (auto at = static_cast<off_t>(block->offset); !rest.empty();) {
            const auto put = ::pwrite(file.get(), rest.data(), rest.size(), at);
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return file_error(errno, member.name);
            at += put;
            rest.remove_prefix(static_cast<std::size_t>(put));
        }
        end = std::max(end, to);
        done_.bytes += block->bytes.size();
        transfer_.bytes.store(done_.bytes, std::memory_order_relaxed);
        if (end - written_back < write_back_bytes) continue;
        // So that the sync at the end finds little left to do.
        (void)::sync_file_range(file.get(), static_cast<off_t>(written_back),
                                static_cast<off_t>(end - written_back), SYNC_FILE_RANGE_WRITE);
        written_back = end;
    }
    if (member.size <= end) return {};
    CHECK(count_bytes(member.size - end));  // it ends with a hole
    if (::ftruncate(file.get(), static_cast<off_t>(member.size)) != 0) return file_error(errno, member.name);
    return {};
}

Result<void> Tree::add_file(ArchiveReader& reader, const Member& member, const std::string& path) {
    Fd file;
    const mode_t mode = member.executable ? 0770 : 0660;
    const int failed = make_anew(path, [&file, mode](int parent, const char* name) {
        file = Fd(::openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
        return file ? 0 : errno;
    });
    if (failed != 0) return outcome(failed, path);
    ++done_.files;
    transfer_.files.store(done_.files, std::memory_order_relaxed);
    CHECK(write_content(reader, member, file));
    set_time(file.get(), member.modified);
    return {};
}

Result<void> Tree::add_directory(const Member& member, const std::string& path) {
    if (const int failed = enter(path); failed != 0) return outcome(failed, path);
    if (member.modified) inside_time_ = member.modified;
    return {};
}

Result<void> Tree::add_symbolic_link(const Member& member, const std::string& path) {
    if (!link_stays_inside(path, member.target)) return leave_out(Unpacked::links_out, path);
    const int failed = make_anew(path, [&member](int parent, const char* name) {
        if (::symlinkat(member.target.c_str(), parent, name) != 0) return errno;
        if (!member.modified) return 0;
        const timespec times[2] = {{0, UTIME_OMIT}, *member.modified};
        (void)::utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW);
        return 0;
    });
    if (failed == 0) ++done_.links;
    return outcome(failed, path);
}

// To what was unpacked already, and only to a plain file: the link's other name is looked up without
// following links.
Result<void> Tree::add_hard_link(const Member& member, const std::string& path) {
    const auto target = member_path(member.target, limits_.path_bytes);
    if (!target || target->empty()) return leave_out(Unpacked::links_out, path);
    if (*target == path) return {};
    const auto parent = open_without_links(top_, directory_of(*target), O_PATH | O_DIRECTORY);
    const auto name = name_of(*target);
    struct stat seen {};
    if (!parent || ::fstatat(parent.get(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(seen.st_mode))
        return leave_out(Unpacked::links_out, path);
    const int failed = make_anew(path, [&parent, &name](int new_parent, const char* new_name) {
        return ::linkat(parent.get(), name.c_str(), new_parent, new_name, 0) == 0 ? 0 : errno;
    });
    if (failed == 0) ++done_.links;
    return outcome(failed, path);
}

Result<void> Tree::add(ArchiveReader& reader, const Member& member) {
    if (transfer_.aborted) return Error{Code::cancelled, "unpacking was aborted"};
    if (++members_ > limits_.members)
        return Error{Code::over_quota, fmt::format("the archive has more than {} members", limits_.members),
                     "make several archives of it"};
    CHECK(share_.take_name());
    const auto path = member_path(member.name, limits_.path_bytes);
    const bool reserved = limits_.into_root && path && is_within(*path, reserved_name);
    if (!path || reserved) return leave_out(Unpacked::bad_names, member.name);
    if (path->empty() && member.kind != Member::Kind::directory)
        return leave_out(Unpacked::bad_names, member.name);
    switch (member.kind) {
        case Member::Kind::file:
            return add_file(reader, member, *path);
        case Member::Kind::directory:
            return add_directory(member, *path);
        case Member::Kind::symbolic_link:
            return add_symbolic_link(member, *path);
        case Member::Kind::hard_link:
            return add_hard_link(member, *path);
        case Member::Kind::special:
            break;
    }
    return leave_out(Unpacked::specials, member.name);
}

}  // namespace

Result<Unpacked> unpack_tree(const Fd& archive, int into, const UnpackLimits& limits, LedgerShare& share,
                             Transfer& transfer) {
    ArchiveReader reader(archive, transfer.aborted);
    Tree tree(into, limits, share, transfer);
    for (;;) {
        TRY(const auto member, reader.next());
        if (!member) break;
        CHECK(tree.add(reader, *member));
    }
    tree.leave();
    return tree.take();
}

}  // namespace stowage::ftps
