// Runs in: every process. Distrusts: the text.
#include "gateway/base/ip_address.hpp"

#include <arpa/inet.h>

#include <string>

namespace stowage {

bool parse_ip_address(int family, std::string_view text, AddressBytes& bytes) {
    if (text.find('\0') != std::string_view::npos) return false;
    return ::inet_pton(family, std::string(text).c_str(), bytes.data()) == 1;
}

bool is_ipv4_address(std::string_view text) {
    AddressBytes bytes{};
    return parse_ip_address(AF_INET, text, bytes);
}

bool is_ip_address(std::string_view text) {
    AddressBytes bytes{};
    return parse_ip_address(AF_INET, text, bytes) || parse_ip_address(AF_INET6, text, bytes);
}

}  // namespace stowage
