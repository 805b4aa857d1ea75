// Control connections through a load balancer that speaks PROXY protocol version 2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/proxy_bytes.hpp"
#include "tests/system/front/front_process.hpp"
#include "tests/system/front/ftps_client.hpp"

namespace stowage::testing {
namespace {

using ::testing::StartsWith;
using namespace std::string_literals;

const std::string balancer = "127.0.0.2", elsewhere = "127.0.0.3";
const auto header = proxy_header_of("198.51.100.7", "203.0.113.5");

class Proxied : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "the front starts as root: it enters an empty root directory";
    }
    message::LoginRequest login_through(FrontProcess& front, std::uint16_t port, const std::string& from,
                                        const std::string& first) {
        FtpsClient client(port, from);
        client.send(first);
        EXPECT_TRUE(port == front.port() ? client.auth_tls() : client.start_tls()) << client.error();
        if (port != front.port()) (void)client.reply();
        client.send("USER alice\r\nPASS right\r\n");
        EXPECT_THAT(client.reply(), StartsWith("331 "));
        const auto request = front.receive<message::LoginRequest>();
        front.refuse_login(request, message::LoginOutcome::denied);
        return request;
    }
    static Settings settings() {
        return {{"ftps.proxy_networks", balancer}, {"ftps.failed_login_time", "0s"}};
    }
};

// Taken out (peer and local of the connection itself): the balancer would be banned for its clients.
TEST_F(Proxied, ClientsAreThoseThatTheHeaderTells) {
    FrontProcess front(settings());
    for (const auto port : {front.port(), front.implicit_port()}) {
        const auto four = login_through(front, port, balancer, header);
        EXPECT_EQ(four.peer.view(), "198.51.100.7");
        EXPECT_EQ(four.local.view(), "203.0.113.5");
        EXPECT_EQ(four.bound.view(), balancer);
        const auto six = login_through(front, port, balancer, proxy_header_of("2001:db8::7", "2001:db8::1"));
        EXPECT_EQ(six.peer.view(), "2001:db8::7");
        EXPECT_EQ(six.local.view(), "2001:db8::1");
        EXPECT_EQ(six.bound.view(), balancer);
    }
}

// Taken out (a header is awaited from everybody): this fails.
TEST_F(Proxied, OthersAreThemselves) {
    FrontProcess front(settings());
    const auto request = login_through(front, front.port(), elsewhere, "");
    EXPECT_EQ(request.peer.view(), elsewhere);
    EXPECT_EQ(request.local.view(), elsewhere);
    EXPECT_EQ(request.bound.view(), elsewhere);
}

// Taken out (LOCAL is refused): this fails.
TEST_F(Proxied, HealthChecksCountAsTheBalancerItself) {
    FrontProcess front(settings());
    EXPECT_EQ(login_through(front, front.port(), balancer, proxy_header(0x20, 0, "")).peer.view(), balancer);
}

// Taken out (a header from anywhere is read): anybody says to be somebody else.
TEST_F(Proxied, HeaderFromElsewhereIsRefused) {
    FrontProcess front(settings());
    FtpsClient plain(front.port(), elsewhere), implicit(front.implicit_port(), elsewhere);
    EXPECT_THAT(plain.reply(), StartsWith("220 "));
    plain.send(header);
    EXPECT_EQ(plain.reply(), "");
    implicit.send(header);
    EXPECT_FALSE(implicit.start_tls());
    FrontProcess unproxied;
    FtpsClient client(unproxied.port(), balancer);
    EXPECT_THAT(client.reply(), StartsWith("220 "));
    client.send(header);
    EXPECT_EQ(client.reply(), "");
}

// Taken out (no header needed): who reaches the balancer's network gets in as the balancer.
TEST_F(Proxied, BalancerWithoutHeaderIsRefused) {
    FrontProcess front(settings());
    FtpsClient talking(front.port(), balancer), tls(front.implicit_port(), balancer),
        silent(front.port(), balancer), half(front.port(), balancer);
    half.send(header.substr(0, header.size() - 1));
    talking.send("USER alice\r\n");
    EXPECT_EQ(talking.reply(), "");
    EXPECT_FALSE(tls.start_tls());
    for (auto* waiting : {&silent, &half})
        EXPECT_EQ(waiting->reply(), "") << "after 5 s";
    for (const auto& bad :
         {proxy_header(0x21, 0x31, std::string(216, 'x')), proxy_header(0x21, 0x11, "short"),
          proxy_header(0x21, 0x00, ""), "PROXY TCP4 198.51.100.7 203.0.113.5 1 21\r\n"s}) {
        FtpsClient client(front.port(), balancer);
        client.send(bad);
        EXPECT_EQ(client.reply(), "");
    }
    EXPECT_TRUE(front.is_alive());
}

// The limit of waiting connections counts clients, not the balancer that they all come through.
// Taken out (all count as the balancer): this fails.
TEST_F(Proxied, EachClientHasItsOwnLimits) {
    FrontProcess front(settings());
    std::vector<FtpsClient> clients;
    for (int i = 0; i < 100; ++i) {
        clients.emplace_back(front.port(), balancer);
        clients.back().send(proxy_header_of("198.51.100." + std::to_string(i + 1), "203.0.113.5"));
        EXPECT_THAT(clients.back().reply(), StartsWith("220 ")) << i;
    }
}

}  // namespace
}  // namespace stowage::testing
