// PROXY headers as load balancers send them.
// Runs in: tests.
#pragma once

#include <arpa/inet.h>

#include <string>
#include <string_view>

namespace stowage::testing {

inline const std::string proxy_signature("\r\n\r\n\0\r\nQUIT\n", 12);

/// Any header of version 2: `command_byte` 0x21 is PROXY, 0x20 LOCAL; `family` 0x11 TCP over IPv4, 0x21 over
/// IPv6.
inline std::string proxy_header(unsigned command_byte, unsigned family, std::string_view behind) {
    return proxy_signature + static_cast<char>(command_byte) + static_cast<char>(family) +
           static_cast<char>(behind.size() >> 8) + static_cast<char>(behind.size() & 255) +
           std::string(behind);
}

/// For a client at `source` that reached `destination`, both of one family.
inline std::string proxy_header_of(const std::string& source, const std::string& destination,
                                   std::string_view tlvs = {}) {
    const bool ipv6 = source.find(':') != std::string::npos;
    std::string addresses;
    for (const auto& text : {source, destination}) {
        char bytes[16] = {};
        (void)::inet_pton(ipv6 ? AF_INET6 : AF_INET, text.c_str(), bytes);
        addresses.append(bytes, ipv6 ? 16 : 4);
    }
    addresses += std::string("\x30\x39\x00\x15", 4);  // ports 12345 and 21
    return proxy_header(0x21, ipv6 ? 0x21 : 0x11, addresses.append(tlvs));
}

}  // namespace stowage::testing
