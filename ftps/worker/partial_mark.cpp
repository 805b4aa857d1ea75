// The attributes user.stowage.path, user.stowage.user and user.stowage.idle.
// Runs in: worker, on the file threads.
#include "ftps/worker/partial_mark.hpp"

#include <sys/xattr.h>

#include <array>
#include <cerrno>

#include "ftps/worker/file_error.hpp"
#include "ftps/worker/paths.hpp"
#include "gateway/base/log.hpp"

namespace stowage::ftps {

namespace {

constexpr const char* path_attribute = "user.stowage.path";
constexpr const char* user_attribute = "user.stowage.user";
constexpr const char* idle_attribute = "user.stowage.idle";
// ext4 keeps all attributes of a file in one block: a longer path may not fit, and must not fail the upload.
constexpr std::size_t sure_attribute_bytes = 2000;

std::string attribute(const Fd& file, const char* name) {
    std::array<char, max_path_bytes> value;
    const auto size = ::fgetxattr(file.get(), name, value.data(), value.size());
    return size > 0 ? std::string(value.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

PartialMark read_partial_mark(const Fd& file) {
    return {attribute(file, path_attribute), attribute(file, user_attribute)};
}

Result<void> put_partial_mark(const Fd& file, const PartialMark& mark) {
    const auto& [path, user] = mark;
    if (::fsetxattr(file.get(), path_attribute, path.data(), path.size(), 0) == 0 &&
        ::fsetxattr(file.get(), user_attribute, user.data(), user.size(), 0) == 0)
        return {};
    const bool cannot_hold =
        errno == EOPNOTSUPP || errno == E2BIG || errno == ERANGE || path.size() > sure_attribute_bytes;
    if (!cannot_hold) return file_error(errno, path);
    log::warning("partial_not_marked",
                 {{"path", path}, {"effect", "a restart of the worker forgets this upload"}});
    return {};
}

void drop_partial_mark(const Fd& file) {
    (void)::fremovexattr(file.get(), path_attribute);
    (void)::fremovexattr(file.get(), user_attribute);
}

void put_partial_path(const Fd& file, const std::string& path) {
    (void)::fsetxattr(file.get(), path_attribute, path.data(), path.size(), 0);
}

void put_idle_age(const Fd& file, const IdleAge& age) {
    const auto text = age.text();
    (void)::fsetxattr(file.get(), idle_attribute, text.data(), text.size(), 0);
}

void drop_idle_age(const Fd& file) {
    (void)::fremovexattr(file.get(), idle_attribute);
}

std::optional<IdleAge> read_idle_age(const Fd& file) {
    return IdleAge::parse(attribute(file, idle_attribute));
}

}  // namespace stowage::ftps
