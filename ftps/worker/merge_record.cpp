// A file "merging" that holds the path of the target, called "taking-back" later.
// Runs in: worker, on the threads that unpack.
#include "ftps/worker/merge_record.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/group_sync.hpp"
#include "ftps/worker/paths.hpp"
#include "gateway/base/fd.hpp"

namespace stowage::ftps {

namespace {

constexpr const char* unfinished_name = "merging.new";
constexpr const char* name = "merging";
constexpr const char* turned_name = "taking-back";

Error no_record(int error_number) {
    return file_error(error_number, "the place to unpack at");
}

std::optional<MergeRecord> read(int place, const char* file_name) {
    const Fd file(::openat(place, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat seen {};
    if (!file || ::fstat(file.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return {};
    std::array<char, max_path_bytes + 1> text;
    const auto size = ::pread(file.get(), text.data(), text.size(), 0);
    if (size <= 0 || static_cast<std::size_t>(size) > max_path_bytes || text[0] != '/') return {};
    auto target = absolute_path("/", {text.data(), static_cast<std::size_t>(size)});
    if (!target) return {};
    return MergeRecord{std::move(*target), {seen.st_mtim, file_name == turned_name}};
}

}  // namespace

Result<void> put_merge_record(int place, const std::string& target, bool durable) {
    const Fd file(
        ::openat(place, unfinished_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return no_record(errno);
    const auto written = ::write(file.get(), target.data(), target.size());
    if (written < 0) return no_record(errno);
    if (static_cast<std::size_t>(written) != target.size()) return no_record(ENOSPC);
    if (durable && ::fsync(file.get()) != 0) return no_record(errno);
    if (::renameat(place, unfinished_name, place, name) != 0) return no_record(errno);
    if (const int failed = durable ? sync_directory(place) : 0; failed != 0) return no_record(failed);
    return {};
}

void turn_merge_record(int place) {
    (void)::renameat(place, name, place, turned_name);
}

void drop_merge_record(int place) {
    (void)::unlinkat(place, name, 0);
    (void)::unlinkat(place, turned_name, 0);
}

std::optional<MergeRecord> read_merge_record(int place) {
    auto record = read(place, name);
    return record ? record : read(place, turned_name);
}

}  // namespace stowage::ftps
