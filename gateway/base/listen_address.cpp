#include "gateway/base/listen_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "gateway/base/fd.hpp"

namespace stowage {

bool kernel_has_ipv6() {
    const Fd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return probe || errno != EAFNOSUPPORT;
}

ListenAddress listen_address(const std::string& address, std::uint16_t port) {
    sockaddr_in6 v6{};
    sockaddr_in v4{};
    v6.sin6_family = AF_INET6;
    v4.sin_family = AF_INET;
    v6.sin6_port = v4.sin_port = htons(port);
    const bool is_v6 = ::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1;
    if (!is_v6 && ::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) != 1) return {};
    const bool stays_v6 = is_v6 && (!IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) || kernel_has_ipv6());
    ListenAddress result;
    result.size = stays_v6 ? sizeof v6 : sizeof v4;
    std::memcpy(&result.storage, stays_v6 ? static_cast<void*>(&v6) : &v4, result.size);
    return result;
}

}  // namespace stowage
