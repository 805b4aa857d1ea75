// Bearer tokens of the stand-in: shaped like JWTs, remembered by it.
// Runs in: runai_stand_in, tests. Distrusts: tokens.
#include "tests/support/runai_stand_in/tokens.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <time.h>

#include "gateway/base/result.hpp"

namespace stowage::stand_in {
namespace {

std::string base64url(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    while (!text.empty() && text.back() == '=')
        text.pop_back();
    for (char& c : text) {
        if (c == '+') c = '-';
        if (c == '/') c = '_';
    }
    return text;
}

}  // namespace

std::string Tokens::make() {
    char random[32];
    if (RAND_bytes(reinterpret_cast<unsigned char*>(random), sizeof random) != 1)
        throw Fatal({Code::internal, "RAND_bytes failed"});
    const long now = ::time(nullptr) + clock_ahead_.count();
    const auto token =
        base64url(R"({"alg":"HS256","typ":"JWT"})") + '.' +
        base64url(fmt::format(R"({{"iss":"stand-in","iat":{},"exp":{}}})", now, now + lifetime_.count())) +
        '.' + base64url({random, sizeof random});
    good_until_[token] = std::chrono::steady_clock::now() + lifetime_;
    return token;
}

bool Tokens::accepts(std::string_view authorization) const {
    constexpr std::string_view scheme = "Bearer ";
    if (authorization.substr(0, scheme.size()) != scheme) return false;
    const auto token = good_until_.find(authorization.substr(scheme.size()));
    return token != good_until_.end() && std::chrono::steady_clock::now() < token->second;
}

}  // namespace stowage::stand_in
