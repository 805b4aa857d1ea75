// A file "merging" that holds inode number, birth and path of the target ("123 456 /data"), called
// "taking-back" later, or "kept". Runs in: worker, on the threads that unpack.
#include "ftps/worker/merge_record.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <limits>
#include <string_view>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/group_sync.hpp"
#include "ftps/worker/paths.hpp"
#include "gateway/base/fd.hpp"

namespace stowage::ftps {

namespace {

constexpr const char* unfinished_name = "merging.new";
constexpr const char* name = "merging";
constexpr const char* turned_name = "taking-back";
constexpr const char* kept_name = "kept";
constexpr std::size_t most_number_bytes = std::numeric_limits<std::uint64_t>::digits10 + 1;
constexpr std::size_t most_bytes = 2 * (most_number_bytes + 1) + max_path_bytes;

Error no_record(int error_number) {
    return file_error(error_number, "the place to unpack at");
}

/// With the space behind it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [behind, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || behind == text.data() + text.size() || *behind != ' ') return {};
    text.remove_prefix(static_cast<std::size_t>(behind + 1 - text.data()));
    return number;
}

std::optional<MergeRecord> read(int place, const char* file_name) {
    const Fd file(::openat(place, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat seen {};
    if (!file || ::fstat(file.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return {};
    std::array<char, most_bytes + 1> text;
    const auto size = ::pread(file.get(), text.data(), text.size(), 0);
    if (size <= 0 || static_cast<std::size_t>(size) > most_bytes) return {};
    std::string_view rest(text.data(), static_cast<std::size_t>(size));
    const auto inode = take_number(rest), made = take_number(rest);
    if (!inode || !made || !rest.starts_with('/')) return {};
    auto target = absolute_path("/", rest);
    if (!target) return {};
    return MergeRecord{std::move(*target),
                       {*inode, *made},
                       {seen.st_mtim, file_name == turned_name},
                       file_name == kept_name};
}

}  // namespace

std::optional<WhichDirectory> which_directory(int directory) {
    struct statx seen {};
    if (::statx(directory, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &seen) != 0) return {};
    constexpr std::uint64_t second = 1'000'000'000;
    const bool is_known = (seen.stx_mask & STATX_BTIME) != 0;
    const auto made = static_cast<std::uint64_t>(seen.stx_btime.tv_sec) * second + seen.stx_btime.tv_nsec;
    return WhichDirectory{seen.stx_ino, is_known ? made : 0};
}

Result<void> put_merge_record(int place, const std::string& target, WhichDirectory which, bool durable) {
    const Fd file(
        ::openat(place, unfinished_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return no_record(errno);
    const auto text = fmt::format("{} {} {}", which.inode, which.made, target);
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0) return no_record(errno);
    if (static_cast<std::size_t>(written) != text.size()) return no_record(ENOSPC);
    if (durable && ::fsync(file.get()) != 0) return no_record(errno);
    if (::renameat(place, unfinished_name, place, name) != 0) return no_record(errno);
    if (const int failed = durable ? sync_directory(place) : 0; failed != 0) return no_record(failed);
    return {};
}

void turn_merge_record(int place) {
    (void)::renameat(place, name, place, turned_name);
}

void keep_merge_record(int place) {
    if (::renameat(place, turned_name, place, kept_name) != 0)
        (void)::renameat(place, name, place, kept_name);  // turn_merge_record() could not
}

void drop_merge_record(int place) {
    (void)::unlinkat(place, kept_name, 0);
    (void)::unlinkat(place, name, 0);
    (void)::unlinkat(place, turned_name, 0);
}

std::optional<MergeRecord> read_merge_record(int place) {
    for (const auto* each : {kept_name, name, turned_name})
        if (auto record = read(place, each)) return record;
    return {};
}

}  // namespace stowage::ftps
