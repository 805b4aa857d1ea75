// SNI and ALPN.
// Runs in: front. Distrusts: what the client offers.
#include "ftps/front/server_names.hpp"

#include <openssl/x509v3.h>

#include <string>

#include "gateway/base/ip_address.hpp"

namespace stowage::ftps {

bool answers_to(X509* certificate, std::string_view name) {
    if (name.empty() || name.find('\0') != std::string_view::npos) return false;
    // OpenSSL takes ".example.org" for every host of that domain, and the length 0 that is left of "." for
    // "count".
    if (name.front() == '.') return false;
    if (is_ip_address(std::string(name))) return true;
    if (name.back() == '.') name.remove_suffix(1);
    return X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1;
}

bool is_host_of(X509* certificate, std::string_view name) {
    const std::string text(name);
    if (is_ip_address(text)) return X509_check_ip_asc(certificate, text.c_str(), 0) == 1;
    return answers_to(certificate, name);
}

std::optional<std::string_view> choose_protocol(std::string_view offered) {
    while (!offered.empty()) {
        const auto size = static_cast<unsigned char>(offered.front());
        offered.remove_prefix(1);
        if (size == 0 || size > offered.size()) return std::nullopt;
        if (offered.substr(0, size) == "ftp") return offered.substr(0, size);
        offered.remove_prefix(size);
    }
    return std::nullopt;
}

}  // namespace stowage::ftps
