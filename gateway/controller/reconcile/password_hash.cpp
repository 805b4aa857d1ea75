// yescrypt by libxcrypt.
// Runs in: controller.
#include "gateway/controller/reconcile/password_hash.hpp"

#include <crypt.h>
#include <string.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace stowage::controller {

namespace {

constexpr std::size_t least_bytes = 8,
                      most_bytes = 511;  // libxcrypt takes 511 (CRYPT_MAX_PASSPHRASE_SIZE - 1)
static_assert(most_bytes < CRYPT_MAX_PASSPHRASE_SIZE);

struct WipingDeleter {
    void operator()(crypt_data* data) const {
        explicit_bzero(data, sizeof *data);
        delete data;
    }
};

}  // namespace

Result<void> check_password(const Secret& password) {
    const auto bytes = password.reveal();
    if (bytes.size() < least_bytes || bytes.size() > most_bytes)
        return Error{Code::invalid, "has " + std::to_string(bytes.size()) + " bytes",
                     "use 8 to 511; `stowage user add` makes a good one by itself"};
    const bool control = std::any_of(bytes.begin(), bytes.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
    });
    if (control)
        return Error{Code::invalid, "holds a control character", "leave out line ends, tabs and the like"};
    return {};
}

Result<std::string> hash_password(const Secret& password) {
    CHECK(check_password(password));
    char setting[CRYPT_GENSALT_OUTPUT_SIZE] = {};
    if (!crypt_gensalt_rn("$y$", 0, nullptr, 0, setting, sizeof setting))
        return system_error(errno, "crypt_gensalt_rn");
    const std::unique_ptr<crypt_data, WipingDeleter> data(new crypt_data{});
    const char* hash = crypt_rn(password.c_str(), setting, data.get(), sizeof *data);
    if (!hash || hash[0] == '*') return system_error(errno, "crypt_rn with yescrypt");
    return std::string(hash);
}

}  // namespace stowage::controller
