// Editing the password file.
// Runs in: root_step.
#include "provisioning/storage/password_file.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/identity.hpp"

namespace stowage::storage {

namespace {

constexpr std::size_t max_file_bytes = 64 << 20;

Result<Fd> lock_for(const std::string& path) {
    const auto lock_path = path + ".lock";
    Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return system_error(errno, "open " + lock_path);
    while (::flock(lock.get(), LOCK_EX) != 0)
        if (errno != EINTR) return system_error(errno, "lock " + lock_path);
    return lock;
}

/// The file without the user's lines.
Result<std::string> text_without(const std::string& path, const std::string& user) {
    auto text = read_file(path, max_file_bytes);
    if (!text && text.error().code == Code::not_found) return std::string();
    if (!text) return text.error();
    std::string kept;
    for (std::size_t start = 0; start < text->size();) {
        const auto end = text->find('\n', start);
        const auto line = text->substr(start, end == std::string::npos ? end : end - start);
        if (!line.empty() && !line.starts_with(user + ":")) kept += line + "\n";
        if (end == std::string::npos) break;
        start = end + 1;
    }
    return kept;
}

}  // namespace

Result<void> set_password_hash(const std::string& path, const std::string& user, const std::string& hash) {
    CHECK(parse_user_name(user));
    if (hash.find_first_of(":\n\r") != std::string::npos || !hash.starts_with('$'))
        return Error{Code::invalid, "the password hash is not one of crypt(5)"};
    TRY(const auto lock, lock_for(path));
    TRY(const auto others, text_without(path, user));
    return write_atomically(path, others + user + ":" + hash + "\n");
}

Result<void> remove_password_hash(const std::string& path, const std::string& user) {
    CHECK(parse_user_name(user));
    TRY(const auto lock, lock_for(path));
    TRY(const auto others, text_without(path, user));
    const auto current = read_file(path, max_file_bytes);
    if (!current || *current == others) return {};
    return write_atomically(path, others);
}

}  // namespace stowage::storage
