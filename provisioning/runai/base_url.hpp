// The control plane's address, and request targets made from parts.
// Runs in: controller. Distrusts: the configured URL, every part of a target.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/result.hpp"

namespace stowage::runai {

/// Where to connect and what to call it.
struct BaseUrl {
    bool tls = true;
    std::string host;  ///< a name, or an address without brackets
    std::uint16_t port = 443;
    bool host_is_address = false;
    std::string host_header;  ///< with brackets and a port where HTTP wants them
};

/// "https://host[:port][/]". Code::config for anything else; http:// only when the host is a loopback address
/// (127.0.0.0/8 or ::1), because the client secret travels over it.
Result<BaseUrl> parse_base_url(std::string_view url);

/// Percent-encodes all but RFC 3986's unreserved characters.
std::string percent_encoded(std::string_view text);

/// `path` followed by an encoded query. The path is taken as it is.
std::string target(std::string_view path,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> query);

/// A host name (RFC 1123) or an IPv4 or IPv6 address without brackets.
bool is_host(std::string_view text);

/// 8-4-4-4-12 hexadecimal digits.
bool is_uuid(std::string_view text);

}  // namespace stowage::runai
