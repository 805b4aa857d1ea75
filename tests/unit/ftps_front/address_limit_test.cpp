// Counting those who wait.
#include "ftps/front/address_limit.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <vector>

namespace stowage::ftps {
namespace {

sockaddr_storage address(const char* text) {
    sockaddr_storage storage{};
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        std::memcpy(&storage, &v4, sizeof v4);
    } else if (::inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        std::memcpy(&storage, &v6, sizeof v6);
    }
    return storage;
}

TEST(AddressLimit, EachAddressHasItsOwnPlaces) {
    AddressLimit limit(80);
    std::vector<AddressLimit::Place> places;
    for (std::size_t i = 0; i < limit.most(); ++i)
        places.push_back(limit.enter("192.0.2.1"));
    EXPECT_TRUE(places.back());
    EXPECT_FALSE(limit.enter("192.0.2.1"));
    EXPECT_TRUE(limit.enter("192.0.2.2"));
    places.pop_back();
    EXPECT_TRUE(limit.enter("192.0.2.1"));
    auto moved = std::move(places.back());
    EXPECT_FALSE(places.back());
    moved.leave();
    moved.leave();
    EXPECT_TRUE(limit.enter("192.0.2.1"));
}

TEST(Addresses, AreWrittenPlainly) {
    EXPECT_EQ(address_text(address("192.0.2.1")), "192.0.2.1");
    EXPECT_EQ(address_text(address("::ffff:192.0.2.1")), "192.0.2.1");
    EXPECT_EQ(address_text(address("2001:db8::1")), "2001:db8::1");
    EXPECT_EQ(address_text(sockaddr_storage{}), "");
}

}  // namespace
}  // namespace stowage::ftps
