// Who listens on a port, asked of real sockets.
#include "gateway/base/port_holder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/fd.hpp"

namespace stowage {
namespace {

/// A socket on a port that the kernel chose, and the port.
std::pair<Fd, std::uint16_t> bound(int family, bool listens) {
    Fd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family);
    socklen_t size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket.get(), raw, size), 0);
    EXPECT_EQ(listens ? ::listen(socket.get(), 1) : 0, 0);
    EXPECT_EQ(::getsockname(socket.get(), raw, &size), 0);
    // The port lies at the same place in both.
    return {std::move(socket), ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port)};
}

TEST(PortHolder, NamesTheProgramThatListens) {
    for (const auto family : {AF_INET, AF_INET6}) {
        const auto [socket, port] = bound(family, true);
        const auto holder = port_holder(port);
        ASSERT_TRUE(holder);
        EXPECT_TRUE(is_listened_on(port));
        EXPECT_THAT(*holder, testing::EndsWith(fmt::format("(process {})", ::getpid())));
        EXPECT_THAT(*holder, testing::StartsWith("base_test"));
    }
}

TEST(PortHolder, WhoOnlyBoundOrHasLeftIsNobody) {
    const auto [socket, port] = bound(AF_INET, false);
    EXPECT_FALSE(port_holder(port));
    auto [left, other] = bound(AF_INET, true);
    left.reset();
    EXPECT_FALSE(port_holder(other));
    EXPECT_FALSE(is_listened_on(port));
    EXPECT_FALSE(is_listened_on(other));
}

}  // namespace
}  // namespace stowage
