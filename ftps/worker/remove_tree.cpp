// Each directory in the tree is emptied by lifting the directories in it up to the top, so that nothing is
// ever deep. Runs in: worker, on the file threads.
#include "ftps/worker/remove_tree.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "ftps/worker/directory_names.hpp"
#include "ftps/worker/file_error.hpp"
#include "gateway/base/fd.hpp"

namespace stowage::ftps {

namespace {

// One pass over the top more for each level of the tree at worst, for what was lifted behind the reader's
// position.
constexpr int most_passes = 5000;

Fd open_plain(int parent, const char* name) {
    Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd || errno != EACCES) return fd;
    // A pod took the rights away. A link that is put there now leads at most to another file of the lab.
    if (::fchmodat(parent, name, 0700, 0) != 0) return fd;
    return Fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/// Empties the directory `name` of `top`: files go, directories become directories of `top`.
Result<void> lift_out(int top, const char* name, std::uint64_t& lifted) {
    const auto directory = open_plain(top, name);
    if (!directory) return file_error(errno, name);
    TRY(auto names, DirectoryNames::open(directory.get(), name));
    while (const auto* entry = names.next()) {
        if (::unlinkat(directory.get(), entry->d_name, 0) == 0 || errno == ENOENT) continue;
        if (errno != EISDIR && errno != EPERM) return file_error(errno, entry->d_name);
        if (::unlinkat(directory.get(), entry->d_name, AT_REMOVEDIR) == 0) continue;
        const auto place = fmt::format("lifted.{}", ++lifted);
        if (::renameat(directory.get(), entry->d_name, top, place.c_str()) == 0 || errno == ENOENT) continue;
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            return file_error(errno, entry->d_name);
    }
    if (names.failed() != 0) return file_error(names.failed(), name);
    return {};
}

/// One pass over `top`; the number of names that it found.
Result<std::uint64_t> pass(int top, DirectoryNames& names, const std::string& name, std::uint64_t& lifted) {
    std::uint64_t found = 0;
    names.rewind();
    while (const auto* entry = names.next()) {
        ++found;
        if (::unlinkat(top, entry->d_name, 0) == 0 || errno == ENOENT) continue;
        if (errno != EISDIR && errno != EPERM) return file_error(errno, entry->d_name);
        if (::unlinkat(top, entry->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT) continue;
        CHECK(lift_out(top, entry->d_name, lifted));
        // What a peer put there meanwhile is for the next pass.
        (void)::unlinkat(top, entry->d_name, AT_REMOVEDIR);
    }
    if (names.failed() != 0) return file_error(names.failed(), name);
    return found;
}

}  // namespace

Result<void> remove_tree(int directory, const std::string& name) {
    const auto top = open_plain(directory, name.c_str());
    if (!top && errno == ENOENT) return {};
    // A peer put something else there.
    if (!top && (errno == ENOTDIR || errno == ELOOP) && ::unlinkat(directory, name.c_str(), 0) == 0)
        return {};
    if (!top) return file_error(errno, name);
    TRY(auto names, DirectoryNames::open(top.get(), name));
    std::uint64_t lifted = 0;
    for (int passes = 0; passes < most_passes; ++passes) {
        TRY(const auto found, pass(top.get(), names, name, lifted));
        if (found > 0) continue;
        if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
        if (errno != ENOTEMPTY && errno != EEXIST) return file_error(errno, name);
    }
    return Error{Code::in_use, name + ": somebody goes on filling it", "it is removed later"};
}

}  // namespace stowage::ftps
