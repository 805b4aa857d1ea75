// The names and ids that cross process boundaries, with their rules.
// Runs in: every process. Distrusts: every string given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage {

/// A lab name that keeps Run:ai's rules: a letter first, then lower-case letters, digits and hyphens, no
/// hyphen last, at most 57 bytes. So it is also safe as a path component, an exports(5) token and a D-Bus
/// argument.
Result<std::string> parse_lab_name(std::string_view text);

/// An FTPS user name: 1 to 64 bytes of letters, digits, '.', '_', '-', '@', '+', a letter or digit first. An
/// email address fits. No ':' (passwd(5) fields), no '/', no blank, no quote.
Result<std::string> parse_user_name(std::string_view text);

/// A size in bytes: a whole or decimal number with an optional unit: B, K/KB/KiB, M…, G…, T…, P…. All units
/// are powers of 1024, as quota tools have it. Refuses negatives, exponents, "nan", fractions of a byte and
/// anything above 2^63-1. "none" is 0: no limit.
/// @param field what to call it in the error, for example "quota"
Result<std::uint64_t> parse_bytes(std::string_view field, std::string_view text);

/// A count with an optional decimal unit K, M, G (50M = 50,000,000). "none" is 0: no limit.
Result<std::uint64_t> parse_count(std::string_view field, std::string_view text);

/// 1536 -> "1.5KiB"; parse_bytes reads it back to the same number whenever it prints without rounding.
std::string format_bytes(std::uint64_t bytes);

/// An IPv4 or IPv6 network in CIDR notation, or a single address. Host bits must be zero ("10.1.2.3/8" is
/// refused with "10.0.0.0/8" as the remedy). Returned in canonical text, always with its prefix length.
Result<std::string> parse_network(std::string_view text);

/// What counts as one client in limits and bans: the IPv4 address itself, or the /64 of an IPv6 address,
/// which one client owns whole ("2001:db8:1:2::/64"). An IPv4-mapped address is its IPv4 address. Empty when
/// `address` is none.
std::string client_network(std::string_view address);

/// Who may mount a lab, and how.
struct Client {
    std::string network;  ///< canonical
    bool read_only = false;
    bool anybody = false;  ///< said on purpose of all addresses, or of a great part of them
};

/// "10.0.0.0/8", "10.9.0.0/16:ro" for reading only, "0.0.0.0/0:anybody": without that word nobody opens a lab
/// to the world by a slip. Code::invalid with a remedy; host names are refused, for DNS would decide who they
/// are.
Result<Client> parse_client(std::string_view text);
/// The canonical text of it.
std::string to_text(const Client& client);

/// True if two canonical networks share an address.
bool networks_overlap(std::string_view a, std::string_view b);

/// True if an address, or a canonical network, shares one with any of these networks.
bool is_in(const std::vector<std::string>& networks, std::string_view address);

}  // namespace stowage
