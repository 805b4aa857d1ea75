// Tokens: the request, the reply, and how long a JWT is good for.
// Runs in: controller. Distrusts: the token; it ends up in a header of ours.
#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "provisioning/runai/document.hpp"
#include "provisioning/runai/replies.hpp"

namespace stowage::runai {
namespace {

constexpr std::size_t max_token_bytes = 32768;

int base64url_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    return c == '_' ? 63 : -1;
}

std::optional<std::string> from_base64url(std::string_view text) {
    std::string out;
    unsigned bits = 0;
    int held = 0;
    for (const char c : text) {
        const int digit = base64url_digit(c);
        if (digit < 0) return std::nullopt;
        bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffffU;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out += static_cast<char>(bits >> held & 0xffU);
    }
    return out;
}

/// RFC 6750, 2.1: what a bearer token may consist of. Anything else could end our header line.
bool is_bearer_token(std::string_view text) {
    for (const char c : text)
        if (base64url_digit(c) < 0 && c != '.' && c != '~' && c != '+' && c != '/' && c != '=') return false;
    return !text.empty() && text.size() <= max_token_bytes;
}

std::optional<std::int64_t> claim(const Place& claims, std::string_view name) {
    const auto place = claims.maybe(name);
    if (!place || !*place) return std::nullopt;
    const auto number = (*place)->integer();
    // Beyond the year 9999 nobody means it, and differences could overflow.
    if (!number || *number < 0 || *number > 253402300799) return std::nullopt;
    return *number;
}

/// The middle part of header.payload.signature.
std::optional<boost::json::value> payload_of(std::string_view jwt) {
    const auto first = jwt.find('.');
    const auto second = first == jwt.npos ? jwt.npos : jwt.find('.', first + 1);
    if (second == jwt.npos || jwt.find('.', second + 1) != jwt.npos) return std::nullopt;
    const auto payload = from_base64url(jwt.substr(first + 1, second - first - 1));
    if (!payload) return std::nullopt;
    auto json = parse_json("token", *payload);
    if (!json) return std::nullopt;
    return std::move(*json);
}

}  // namespace

std::optional<std::int64_t> jwt_issued_at(std::string_view jwt) {
    const auto json = payload_of(jwt);
    if (!json) return std::nullopt;
    return claim(Place(*json, "token"), "iat");
}

std::optional<std::chrono::seconds> jwt_lifetime(std::string_view jwt,
                                                 std::chrono::system_clock::time_point now) {
    const auto json = payload_of(jwt);
    if (!json) return std::nullopt;
    const Place claims(*json, "token");
    const auto expires = claim(claims, "exp");
    if (!expires) return std::nullopt;
    const auto issued = claim(claims, "iat");
    if (issued && *issued <= *expires) return std::chrono::seconds(*expires - *issued);
    return std::chrono::seconds(*expires - std::chrono::system_clock::to_time_t(now));
}

Result<Token> token_in(std::string_view operation, const boost::json::value& reply) {
    const Place root(reply, operation);
    TRY(auto text, root.text_at("accessToken"));
    Token token{Secret(text), {}, {}};
    explicit_bzero(text.data(), text.size());
    if (!is_bearer_token(token.text.reveal()))
        return Error{Code::protocol,
                     fmt::format("{}: accessToken of the reply is no bearer token", operation),
                     "is runai.url the Run:ai control plane itself?"};
    TRY(const auto expires_in, root.maybe("expiresIn"));
    if (expires_in) {
        TRY(const auto seconds, expires_in->integer());
        if (seconds > 0 && seconds <= 366L * 86400) token.lifetime = std::chrono::seconds(seconds);
    }
    if (!token.lifetime) token.lifetime = jwt_lifetime(token.text.reveal(), std::chrono::system_clock::now());
    token.issued_at = jwt_issued_at(token.text.reveal());
    return token;
}

std::string token_request(std::string_view client_id, const Secret& client_secret) {
    // `clientId` is what the documentation and scripts in use send; the schema's spelling is `clientID`, and
    // servers take both.
    return boost::json::serialize(boost::json::object{{"grantType", "client_credentials"},
                                                      {"clientId", std::string(client_id)},
                                                      {"clientSecret", std::string(client_secret.reveal())}});
}

}  // namespace stowage::runai
