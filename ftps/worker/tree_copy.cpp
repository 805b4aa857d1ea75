// One level after another, by descriptors and without following a link.
// Runs in: worker, on a thread per copy.
#include "ftps/worker/tree_copy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "ftps/worker/directory_names.hpp"
#include "ftps/worker/file_error.hpp"
#include "ftps/worker/ledger_share.hpp"
#include "ftps/worker/paths.hpp"
#include "ftps/worker/unpack_stage.hpp"

namespace stowage::ftps {

namespace {

// Two directories are open a level.
constexpr int max_depth = 64;
constexpr std::uint64_t max_names = 1'000'000;

class TreeCopy {
  public:
    TreeCopy(const Copying& copying, LedgerShare& share, Transfer& progress)
        : copying_(copying), share_(share), progress_(progress) {}

    Result<void> directory(int from, int to, const std::string& path, int depth);
    const TreeCopied& copied() const { return copied_; }

  private:
    Result<void> name(int from, int to, const char* name, const std::string& path, int depth);
    Result<void> subdirectory(int from, int to, const char* name, const std::string& path, int depth);
    Result<void> file(int from, int to, const char* name, const std::string& path);
    Result<void> link(int from, int to, const char* name, const std::string& path);

    const Copying& copying_;
    LedgerShare& share_;
    Transfer& progress_;
    TreeCopied copied_;
    std::uint64_t names_ = 0;
};

Fd open_directory(int parent, const char* name) {
    return Fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Result<void> TreeCopy::directory(int from, int to, const std::string& path, int depth) {
    if (depth == max_depth)
        return Error{Code::invalid, path + ": the directories are nested too deeply", "copy it in parts"};
    TRY(auto names, DirectoryNames::open(from, path));
    while (const auto* entry = names.next()) {
        if (copying_.files.hides(from, entry->d_name)) continue;
        if (progress_.aborted) return Error{Code::cancelled, "the copy was aborted"};
        if (++names_ > max_names)
            return Error{Code::invalid, fmt::format("{}: more than {} files", path, max_names),
                         "copy it in parts"};
        CHECK(name(from, to, entry->d_name, join(path, entry->d_name), depth));
    }
    if (names.failed() != 0) return file_error(names.failed(), path);
    return {};
}

Result<void> TreeCopy::name(int from, int to, const char* name, const std::string& path, int depth) {
    struct stat seen {};
    if (::fstatat(from, name, &seen, AT_SYMLINK_NOFOLLOW) != 0) {
        // Removed since it was read: it is not copied, and that is no error.
        if (errno == ENOENT) return {};
        return file_error(errno, path);
    }
    CHECK(share_.take_name());
    if (S_ISDIR(seen.st_mode)) return subdirectory(from, to, name, path, depth);
    if (S_ISREG(seen.st_mode)) return file(from, to, name, path);
    if (S_ISLNK(seen.st_mode)) return link(from, to, name, path);
    ++copied_.left_out;
    return {};
}

Result<void> TreeCopy::subdirectory(int from, int to, const char* name, const std::string& path, int depth) {
    const auto source = open_directory(from, name);
    struct stat seen {};
    if (!source || ::fstat(source.get(), &seen) != 0 || ::mkdirat(to, name, 0700) != 0)
        return file_error(errno, path);
    const auto made = open_directory(to, name);
    if (!made) return file_error(errno, path);
    CHECK(directory(source.get(), made.get(), path, depth + 1));
    if (::fchmod(made.get(), (seen.st_mode & lab_rights) | S_ISGID) != 0) return file_error(errno, path);
    ++copied_.directories;
    return {};
}

Result<void> TreeCopy::file(int from, int to, const char* name, const std::string& path) {
    Source source{path, Fd(::openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)), {}};
    if (!source.file || ::fstat(source.file.get(), &source.seen) != 0) return file_error(errno, path);
    if (!S_ISREG(source.seen.st_mode)) return file_error(ESTALE, path);
    const Fd made(::openat(to, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!made) return file_error(errno, path);
    struct stat hashed {
    }, now{};
    const auto sha256 = copying_.hashes.recall(source.file, hashed);
    CHECK(share_.take(static_cast<std::uint64_t>(source.seen.st_size)));
    CHECK(append(source, made, path, progress_));
    struct stat written {};
    if (::fchmod(made.get(), source.seen.st_mode & lab_rights) != 0 || ::fstat(made.get(), &written) != 0)
        return file_error(errno, path);
    const bool may_be_kept = sha256 && copying_.durability == Durability::full;  // one syncfs(2) is to come
    if (may_be_kept && ::fstat(source.file.get(), &now) == 0 && untouched(hashed, now))
        copying_.hashes.remember(made, written, *sha256);
    ++copied_.files;
    return {};
}

Result<void> TreeCopy::link(int from, int to, const char* name, const std::string& path) {
    const auto target = LabFiles::link_target(from, name);
    if (target.empty()) return file_error(ESTALE, path);
    if (::symlinkat(target.c_str(), to, name) != 0) return file_error(errno, path);
    ++copied_.links;
    return {};
}

}  // namespace

Result<TreeCopied> copy_tree(const Copying& copying, const std::string& from, const std::string& to,
                             Transfer& progress) {
    if (from == to) return Error{Code::exists, to + ": this is the directory itself", "choose another name"};
    TRY(const auto source, copying.files.open_directory(from));
    CHECK(copying.partials.check_free(to));
    CHECK(UnpackStage::check(copying.files, to));
    // Before the stage, so that what failed is counted until it is removed.
    LedgerShare share(copying.files.ledger());
    TRY(auto stage, UnpackStage::make(copying.files));
    TreeCopy copy(copying, share, progress);
    CHECK(copy.directory(source.get(), stage.directory(), from, 0));
    CHECK(stage.publish(copying.files, copying.partials, to, copying.durability, progress.aborted, share));
    return copy.copied();
}

}  // namespace stowage::ftps
