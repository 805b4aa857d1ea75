// What a load balancer tells of the connection that it forwards: PROXY protocol version 2, as HAProxy's
// doc/proxy-protocol.txt §2.2 has it.
// Runs in: front (control connections), worker (data connections). Distrusts: every byte. No input or output
// in here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

struct ProxyHeader {
    /// LOCAL: the balancer speaks for itself (a health check), and the connection's own addresses count.
    bool local = false;
    /// Numeric, an IPv4-mapped address as plain IPv4; empty when local.
    std::string source, destination;
};

/// So many bytes tell how long the header is.
inline constexpr std::size_t proxy_prefix_bytes = 16;
/// Far above what balancers send (536 bytes are what must be expected), far below what a length can say.
inline constexpr std::size_t max_proxy_header_bytes = 4096;

/// True if `bytes` start with the signature, or are its beginning. It cannot begin an FTP command or a TLS
/// record.
bool starts_like_proxy_header(std::string_view bytes);

/// The length of the whole header. Code::protocol if these proxy_prefix_bytes do not begin one, or one too
/// long.
Result<std::size_t> proxy_header_size(std::string_view prefix);

/// Code::protocol for what is no whole header of TCP over IPv4 or IPv6: other families and commands,
/// addresses or TLVs that do not fit, a checksum that is wrong.
Result<ProxyHeader> parse_proxy_header(std::string_view whole);

}  // namespace stowage::ftps
