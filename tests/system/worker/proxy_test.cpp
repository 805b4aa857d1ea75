// Data connections through a load balancer that speaks PROXY protocol version 2.
#include <gtest/gtest.h>

#include "tests/support/proxy_bytes.hpp"
#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

using stowage::testing::proxy_header;
using stowage::testing::proxy_header_of;

class ProxiedData : public ::testing::Test {
  protected:
    static Rig::Options options() {
        Rig::Options options;
        options.config = {{"ftps.proxy_networks", "127.0.0.2"}};
        return options;
    }
    Rig rig{options()};
    const std::string client = "198.51.100.7", reached = "203.0.113.5";

    /// The code of an upload whose data connection comes from `from` and begins with `first`.
    int store(Rig::Login& login, const std::string& from, const std::string& first) {
        Data data(Rig::epsv(*login.control), from, mint(rig.key(), login.nonce, tls13), tls13, first);
        EXPECT_EQ(login.control->ask("STOR x").code, 150);
        const bool accepted = data.handshake();
        if (accepted) {
            data.write("x");
            data.finish();
        } else {
            login.control->send("ABOR");
        }
        const auto code = login.control->read().code;
        if (!accepted) (void)login.control->read();  // of ABOR itself
        return code;
    }
};

// Taken out (the header's address in origin_of()): this fails.
TEST_F(ProxiedData, CountsAsComingFromTheClient) {
    auto alice = rig.login("alice", client, tls13, reached);
    EXPECT_EQ(store(alice, "127.0.0.2", proxy_header_of(client, reached)), 226);
    EXPECT_EQ(rig.content("/x"), "x");
    // PASV tells what the client reached, though nothing of this machine listens there.
    EXPECT_NE(alice.control->ask("PASV").text.find("(203,0,113,5,"), std::string::npos);
}

// Taken out (the header's address in origin_of()): this fails.
TEST_F(ProxiedData, IPv6ClientBehindAnIPv4Balancer) {
    auto alice = rig.login("alice", "2001:db8::7", tls13, "2001:db8::1");
    EXPECT_EQ(alice.control->ask("PASV").code, 522);
    EXPECT_EQ(alice.control->ask("EPSV 2").code, 229);
    EXPECT_EQ(store(alice, "127.0.0.2", proxy_header_of("2001:db8::7", "2001:db8::1")), 226);
}

// Taken out (the balancer's own address is compared, or the header's is not): the first is stored.
TEST_F(ProxiedData, OfAnotherClientIsRefused) {
    auto alice = rig.login("alice", client, tls13, reached);
    EXPECT_NE(store(alice, "127.0.0.2", proxy_header_of("198.51.100.8", reached)), 226);
    EXPECT_NE(store(alice, "127.0.0.2", proxy_header(0x20, 0, "")), 226);
    EXPECT_EQ(store(alice, "127.0.0.2", proxy_header_of(client, reached)), 226);
}

// Taken out (a header from anywhere is believed): the first is stored.
TEST_F(ProxiedData, HeaderFromElsewhereIsRefused) {
    auto alice = rig.login("alice", client, tls13, reached);
    EXPECT_NE(store(alice, "127.0.0.3", proxy_header_of(client, reached)), 226);
    auto direct = rig.login("alice", "127.0.0.3");
    EXPECT_NE(store(direct, "127.0.0.3", proxy_header_of("127.0.0.3", "127.0.0.1")), 226);
    EXPECT_EQ(store(direct, "127.0.0.3", ""), 226);
}

// Taken out (no header needed): a session of the balancer's own address takes any of its connections.
TEST_F(ProxiedData, BalancerWithoutHeaderIsRefused) {
    auto balancer = rig.login("alice", "127.0.0.2");
    EXPECT_NE(store(balancer, "127.0.0.2", ""), 226);
    EXPECT_EQ(store(balancer, "127.0.0.2", proxy_header(0x20, 0, "")), 226);
}

}  // namespace stowage::ftps::rig
