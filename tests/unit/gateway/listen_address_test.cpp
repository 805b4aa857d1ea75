// Which address is bound. What a kernel without IPv6 makes of it: system.serves_without_ipv6.
#include "gateway/base/listen_address.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace stowage {
namespace {

TEST(ListenAddress, IsOfTheFamilyOfItsText) {
    const auto v4 = listen_address("10.1.2.3", 21), v6 = listen_address("fd00::1", 990);
    ASSERT_EQ(v4.family(), AF_INET);
    EXPECT_EQ(v4.size, sizeof(sockaddr_in));
    const auto& first = reinterpret_cast<const sockaddr_in&>(v4.storage);
    EXPECT_EQ(ntohl(first.sin_addr.s_addr), 0x0a010203u);
    EXPECT_EQ(ntohs(first.sin_port), 21);
    ASSERT_EQ(v6.family(), AF_INET6) << "whether or not the kernel has IPv6: bind(2) shall say so";
    EXPECT_EQ(v6.size, sizeof(sockaddr_in6));
    EXPECT_EQ(ntohs(reinterpret_cast<const sockaddr_in6&>(v6.storage).sin6_port), 990);
}

TEST(ListenAddress, EveryAddressIsIpv6sWhereThereIsIpv6) {
    EXPECT_EQ(listen_address("::", 21).family(), kernel_has_ipv6() ? AF_INET6 : AF_INET);
    EXPECT_EQ(listen_address("0.0.0.0", 21).family(), AF_INET);
}

TEST(ListenAddress, OtherTextsHaveNone) {
    for (const auto* text : {"", "node1", "::x", "10.1.2", "10.1.2.3/8"})
        EXPECT_EQ(listen_address(text, 21).size, 0u) << text;
}

}  // namespace
}  // namespace stowage
