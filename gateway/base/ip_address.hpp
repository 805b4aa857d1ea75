// What is an IP address, and what only begins with one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace stowage {

/// The 4 or 16 bytes of an address, in network order.
using AddressBytes = std::array<std::uint8_t, 16>;

/// As inet_pton(3), which reads as far as the first NUL: a text that has one is no address here, whatever
/// stands before it.
/// @param family AF_INET or AF_INET6
bool parse_ip_address(int family, std::string_view text, AddressBytes& bytes);

bool is_ipv4_address(std::string_view text);
bool is_ip_address(std::string_view text);  ///< of either family

}  // namespace stowage
