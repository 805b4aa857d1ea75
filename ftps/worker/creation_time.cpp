// The attribute user.stowage.created, and statx(2).
// Runs in: worker, on the file threads.
#include "ftps/worker/creation_time.hpp"

#include <fcntl.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/file_times.hpp"

namespace stowage::ftps {

namespace {

constexpr std::size_t value_bytes = 14;  // YYYYMMDDHHMMSS

std::optional<std::int64_t> attribute_of(const Fd& file) {
    std::array<char, value_bytes + 1> value{};
    const auto size = ::fgetxattr(file.get(), creation_attribute, value.data(), value.size());
    if (size != static_cast<ssize_t>(value_bytes)) return {};
    const auto time = parse_fact_time({value.data(), value_bytes});
    return time ? std::optional(*time) : std::nullopt;
}

int put(const Fd& file, std::int64_t created) {
    const auto value = fact_time(created);
    return ::fsetxattr(file.get(), creation_attribute, value.data(), value.size(), 0);
}

}  // namespace

Result<void> set_creation_time(const Fd& file, const std::string& path, std::int64_t created) {
    if (put(file, created) == 0) return {};
    switch (errno) {
        case EOPNOTSUPP:
            return Error{Code::unsupported,
                         path + ": the lab's filesystem keeps no attributes, where this time would be kept",
                         "MFMT sets the time of modification"};
        case EACCES:
            return Error{Code::denied, path + ": nobody may write to it",
                         "give its owner the right first, for example by SITE CHMOD 640"};
        default:
            return file_error(errno, path);
    }
}

std::optional<std::int64_t> creation_time(int directory, const char* name, const struct stat& seen) {
    if (S_ISREG(seen.st_mode) || S_ISDIR(seen.st_mode)) {
        // O_NONBLOCK: what a pod puts there meanwhile must not hold the thread.
        const Fd file(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (const auto said = file ? attribute_of(file) : std::nullopt) return said;
    }
    struct statx known {};
    if (::statx(directory, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &known) != 0 ||
        !(known.stx_mask & STATX_BTIME))
        return {};
    return known.stx_btime.tv_sec;
}

void keep_creation_time(const Fd& from, const Fd& to) {
    if (const auto created = attribute_of(from)) (void)put(to, *created);
}

}  // namespace stowage::ftps
