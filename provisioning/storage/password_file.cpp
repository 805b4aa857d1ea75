// Editing the password file.
// Runs in: root_step.
#include "provisioning/storage/password_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/file_lock.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/unfinished_writes.hpp"

namespace stowage::storage {

namespace {

constexpr std::size_t max_file_bytes = 64 << 20;
constexpr std::chrono::seconds lock_limit{30};

/// crypt(5)'s methods that are fit for new hashes, and the two of SHA-2.
constexpr std::array<std::string_view, 7> methods = {"$y$", "$gy$", "$7$", "$2b$", "$2y$", "$6$", "$5$"};

Result<void> check_hash(std::string_view hash) {
    const bool known =
        std::any_of(methods.begin(), methods.end(), [&](auto m) { return hash.starts_with(m); });
    const bool plain = std::all_of(hash.begin(), hash.end(), [](unsigned char c) {
        return (c < 0x80 && std::isalnum(c)) || c == '$' || c == '.' || c == '/' || c == '=' || c == ',';
    });
    // The hash is not shown: it is a secret.
    if (!known || !plain || hash.size() > 256)
        return Error{Code::invalid, "the password hash is none of crypt(5) that is accepted here",
                     "use yescrypt ($y$), scrypt ($7$), bcrypt ($2b$) or SHA-2 ($6$, $5$)"};
    return {};
}

struct Passwords {
    std::string text;    ///< the whole file; empty when there is none
    std::string others;  ///< without the user's lines, each with its line end
};

Result<Passwords> read_passwords(const std::string& path, const std::string& user) {
    auto text = read_file(path, max_file_bytes);
    if (!text && text.error().code == Code::not_found) return Passwords{};
    if (!text) return text.error();
    Passwords passwords{std::move(*text), {}};
    std::string_view rest = passwords.text;
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const bool theirs = line.starts_with(user) && line.substr(user.size()).starts_with(':');
        if (!line.empty() && !theirs) passwords.others.append(line).append("\n");
    }
    return passwords;
}

}  // namespace

Result<void> set_password_hash(const std::string& path, const std::string& user, const std::string& hash) {
    CHECK(parse_user_name(user));
    CHECK(check_hash(hash));
    TRY(const auto lock, lock_file(path + ".lock", Lock::exclusive, lock_limit));
    remove_unfinished_writes(path);  // there are hashes in them
    TRY(const auto passwords, read_passwords(path, user));
    const auto line = user + ":" + hash + "\n";
    // In its place already, wherever that is: nothing to write.
    const bool there = passwords.text.size() == passwords.others.size() + line.size() &&
                       ("\n" + passwords.text).find("\n" + line) != std::string::npos;
    if (there) return {};
    return write_atomically(path, passwords.others + line);
}

Result<void> remove_password_hash(const std::string& path, const std::string& user) {
    CHECK(parse_user_name(user));
    TRY(const auto lock, lock_file(path + ".lock", Lock::exclusive, lock_limit));
    remove_unfinished_writes(path);  // there are hashes in them
    TRY(const auto passwords, read_passwords(path, user));
    if (passwords.text == passwords.others) return {};
    return write_atomically(path, passwords.others);
}

}  // namespace stowage::storage
