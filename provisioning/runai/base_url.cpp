// The control plane's address, and request targets made from parts.
// Runs in: controller. Distrusts: the configured URL, every part of a target.
#include "provisioning/runai/base_url.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>
#include <charconv>
#include <optional>

#include "gateway/base/ip_address.hpp"
#include "gateway/base/log.hpp"

namespace stowage::runai {
namespace {

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_loopback(const std::string& text) {
    in_addr v4{};
    in6_addr v6{};
    if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool is_label(std::string_view label) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label)
        if (!is_alphanumeric(c) && c != '-') return false;
    return true;
}

Error refused(std::string_view url, std::string_view why) {
    return {Code::config, fmt::format("runai.url \"{}\" {}", log::escaped(url), why),
            "give it as https://host or https://host:port, as the Run:ai user interface is opened"};
}

/// What stands before the host; nothing for other schemes. By hand, because Boost.URL 1.81 takes the name
/// "10.0.0.1.nip.io" for an address with a path.
std::optional<std::string_view> authority_of(std::string_view url, bool& tls) {
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (!boost::algorithm::istarts_with(url, scheme, std::locale::classic())) continue;
        tls = scheme.size() == 8;
        url.remove_prefix(scheme.size());
        if (!url.empty() && url.back() == '/') url.remove_suffix(1);
        return url;
    }
    return std::nullopt;
}

/// Splits "host", "host:port", "[v6]" and "[v6]:port".
Result<void> split_authority(BaseUrl& base, std::string_view authority, std::string_view url) {
    const bool bracketed = !authority.empty() && authority.front() == '[';
    const auto end = bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
    if (end == authority.npos) return refused(url, "has no valid host");
    base.host = std::string(authority.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end));
    if (!is_host(base.host) || bracketed != (base.host.find(':') != base.host.npos))
        return refused(url, "has no valid host");
    const auto rest = authority.substr(bracketed ? end + 1 : end);
    base.port = base.tls ? 443 : 80;
    base.host_header = bracketed ? '[' + base.host + ']' : base.host;
    if (rest.empty()) return {};
    const auto* last = rest.data() + rest.size();
    const auto [parsed, error] = std::from_chars(rest.data() + 1, last, base.port);
    if (rest.front() != ':' || error != std::errc() || parsed != last || base.port == 0)
        return refused(url, "has no port of 1..65535 behind its host");
    if (base.port != (base.tls ? 443 : 80)) base.host_header += fmt::format(":{}", base.port);
    return {};
}

}  // namespace

bool is_host(std::string_view text) {
    if (is_ip_address(text)) return true;
    if (text.empty() || text.size() > 253) return false;
    bool last_is_number = true;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find('.', begin), text.size());
        const auto label = text.substr(begin, end - begin);
        if (!is_label(label)) return false;
        // "1.2.3" is nobody's name and some resolvers take it for an address.
        last_is_number = label.find_first_not_of("0123456789") == label.npos;
        begin = end + 1;
    }
    return !last_is_number;
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char c = text[i];
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex) return false;
    }
    return true;
}

Result<BaseUrl> parse_base_url(std::string_view url) {
    BaseUrl base;
    const auto authority = authority_of(url, base.tls);
    if (!authority) return refused(url, "is neither https nor http");
    if (authority->find('@') != authority->npos) return refused(url, "holds a user name");
    if (authority->find_first_of("/?#") != authority->npos)
        return refused(url, "has a path, a query or a fragment");
    CHECK(split_authority(base, *authority, url));
    base.host_is_address = is_ip_address(base.host);
    if (!base.tls && !is_loopback(base.host))
        return Error{
            Code::config,
            fmt::format("runai.url \"{}\" would send the client secret in the clear", log::escaped(url)),
            "use https://; http:// is taken for loopback addresses only (127.0.0.1, [::1])"};
    return base;
}

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~')
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string target(std::string_view path,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> query) {
    std::string out(path);
    char separator = '?';
    for (const auto& [key, value] : query) {
        out += separator + percent_encoded(key) + '=' + percent_encoded(value);
        separator = '&';
    }
    return out;
}

}  // namespace stowage::runai
