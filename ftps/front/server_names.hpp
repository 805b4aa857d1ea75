// Which TLS server names (SNI) and protocols (ALPN) we answer to (RFC 6066 §3, RFC 7301).
// Runs in: front. Distrusts: both lists.
#pragma once

#include <openssl/types.h>

#include <optional>
#include <string_view>

namespace stowage::ftps {

/// True if a client that asked for `name` may talk to the owner of `certificate`: the certificate names it,
/// or it is an IP literal, which RFC 6066 forbids and clients send nevertheless.
bool answers_to(X509* certificate, std::string_view name);

/// True if HOST may name it: the certificate holds it, as a host name or as an address. Stricter than
/// answers_to(): here nothing forces a client to send an address that it only connects to.
bool is_host_of(X509* certificate, std::string_view name);

/// "ftp" if the client's list (RFC 7301 §3.1: length bytes and names) has it; none means no common protocol.
/// Others are refused, so that a browser cannot be made to talk to us (ALPACA).
std::optional<std::string_view> choose_protocol(std::string_view offered);

}  // namespace stowage::ftps
