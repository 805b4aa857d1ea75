// Making, keeping and deriving.
// Runs in: supervisor.
#include "gateway/supervisor/hash_keys.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>

#include "gateway/base/atomic_file.hpp"

namespace stowage::supervisor {

namespace {

constexpr std::size_t secret_bytes = 32;

Result<Secret> make(const std::string& path) {
    std::array<char, secret_bytes> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return system_error(errno, "getrandom");
    Secret secret(std::string_view(bytes.data(), bytes.size()));
    explicit_bzero(bytes.data(), bytes.size());
    CHECK(write_atomically(path, secret.reveal()));
    return secret;
}

}  // namespace

Result<Secret> load_hash_secret(const std::string& state_dir) {
    const auto path = state_dir + "/file-hash.key";
    auto text = read_file(path, 4096);
    if (!text && text.error().code == Code::not_found) return make(path);
    if (!text) return text.error();
    Secret secret(*text);
    explicit_bzero(text->data(), text->size());
    struct stat seen {};
    if (::stat(path.c_str(), &seen) != 0) return system_error(errno, "stat " + path);
    if (secret.reveal().size() != secret_bytes || (seen.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return Error{Code::config, path + " is not 32 bytes that only root may read",
                     "remove it; the next start makes a new one"};
    return secret;
}

std::array<std::uint8_t, 32> hash_key(const Secret& secret, std::string_view lab, std::uint32_t uid) {
    const auto text = "stowage file hashes 1 " + std::to_string(uid) + " " + std::string(lab);
    const auto bytes = secret.reveal();
    std::array<std::uint8_t, 32> key{};
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), bytes.data(), static_cast<int>(bytes.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(), key.data(), &size) ||
        size != key.size())
        throw Fatal({Code::internal, "OpenSSL cannot make an HMAC"});
    return key;
}

}  // namespace stowage::supervisor
