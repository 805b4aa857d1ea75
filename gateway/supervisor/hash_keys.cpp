// Making, keeping and deriving.
// Runs in: supervisor.
#include "gateway/supervisor/hash_keys.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>

#include <cerrno>

#include "gateway/base/atomic_file.hpp"
#include "gateway/preflight/secret_files.hpp"

namespace stowage::supervisor {

namespace {

Result<Secret> make(const std::string& path) {
    std::array<char, hash_secret_bytes> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return system_error(errno, "getrandom");
    Secret secret(std::string_view(bytes.data(), bytes.size()));
    explicit_bzero(bytes.data(), bytes.size());
    CHECK(write_atomically(path, secret.reveal()));
    return secret;
}

}  // namespace

Result<Secret> load_hash_secret(const std::string& state_dir) {
    auto secret = read_hash_secret(state_dir);
    if (!secret && secret.error().code == Code::not_found) return make(hash_secret_path(state_dir));
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
