// What to give to bind(2) for an address of the configuration.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace stowage {

/// Whether sockets of IPv6 can be made, addresses or not: false only with ipv6.disable=1 or a kernel without
/// it, until the next boot.
bool kernel_has_ipv6();

struct ListenAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;  ///< 0: the text is no IP address

    int family() const { return storage.ss_family; }
    const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// `::` is every address of the machine, so it becomes 0.0.0.0 where the kernel has no IPv6.
ListenAddress listen_address(const std::string& address, std::uint16_t port);

}  // namespace stowage
