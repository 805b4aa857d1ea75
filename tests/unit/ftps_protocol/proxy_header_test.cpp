// PROXY protocol version 2: what is understood, and what is refused.
#include "ftps/protocol/proxy_header.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "ftps/protocol/proxy_reader.hpp"
#include "gateway/base/fd.hpp"
#include "tests/support/proxy_bytes.hpp"

namespace stowage::ftps {
namespace {

using namespace std::string_literals;
using testing::proxy_header;
using testing::proxy_header_of;

std::string why_not(const std::string& bytes) {
    const auto header = parse_proxy_header(bytes);
    if (header) return "taken";
    EXPECT_EQ(header.error().code, Code::protocol);
    return header.error().what;
}

const auto ipv4 = proxy_header_of("198.51.100.7", "203.0.113.5");

TEST(ProxyHeader, TellsTheClientAndWhatItReached) {
    const auto four = or_throw(parse_proxy_header(ipv4));
    EXPECT_FALSE(four.local);
    EXPECT_EQ(four.source, "198.51.100.7");
    EXPECT_EQ(four.destination, "203.0.113.5");
    const auto six = or_throw(parse_proxy_header(proxy_header_of("2001:db8::7", "2001:db8::1")));
    EXPECT_EQ(six.source, "2001:db8::7");
    EXPECT_EQ(six.destination, "2001:db8::1");
    const auto mapped =
        or_throw(parse_proxy_header(proxy_header_of("::ffff:198.51.100.7", "::ffff:203.0.113.5")));
    EXPECT_EQ(mapped.source, "198.51.100.7");
    EXPECT_EQ(mapped.destination, "203.0.113.5");
}

TEST(ProxyHeader, LocalIsTheBalancerItselfWhateverStandsBehind) {
    for (const auto& header : {proxy_header(0x20, 0x00, ""), proxy_header(0x20, 0x11, "\xff\xff"),
                               proxy_header(0x20, 0x31, std::string(300, 'x'))}) {
        const auto local = or_throw(parse_proxy_header(header));
        EXPECT_TRUE(local.local);
        EXPECT_EQ(local.source + local.destination, "");
    }
}

// Taken out (a TLV may reach beyond the header): this fails.
TEST(ProxyHeader, UnknownTlvsAreSkippedAndBrokenOnesRefused) {
    const auto with = [](const std::string& tlvs) {
        return why_not(proxy_header_of("198.51.100.7", "203.0.113.5", tlvs));
    };
    EXPECT_EQ(with("\x04\x00\x03xyz\xea\x00\x00"s), "taken");  // NOOP, and a cloud's own
    EXPECT_EQ(with("\x04\x00\x04xyz"s), "PROXY header: a TLV reaches beyond the header");
    EXPECT_EQ(with("\x04\xff\xffxyz"s), "PROXY header: a TLV reaches beyond the header");
    EXPECT_EQ(with("\x04\x00"s), "PROXY header: bytes behind the last TLV");
    EXPECT_EQ(with("\x20"s), "PROXY header: bytes behind the last TLV");
}

// The sum of this very header, by an independent CRC32C (RFC 3720 §12.1, table-free, in Python).
// Taken out (the checksum is not looked at): this fails.
TEST(ProxyHeader, ChecksumMustBeRight) {
    const auto with = [](const std::string& sum) {
        return why_not(
            proxy_header_of("198.51.100.7", "203.0.113.5", "\x03\x00\x04"s + sum + "\x04\x00\x01x"s));
    };
    EXPECT_EQ(with("\xd4\x7e\x8b\x7c"s), "taken");
    EXPECT_EQ(with("\0\0\0\0"s), "PROXY header: the checksum is wrong");
    EXPECT_EQ(why_not(proxy_header_of("198.51.100.7", "203.0.113.5", "\x03\x00\x02xx"s)),
              "PROXY header: the checksum is wrong");
}

// Taken out (bytes behind the header): this fails.
TEST(ProxyHeader, RefusesLengthsThatCannotBe) {
    EXPECT_EQ(why_not(proxy_header(0x21, 0x11, "12345678901")), "PROXY header: too short for its addresses");
    EXPECT_EQ(why_not(proxy_header(0x21, 0x21, std::string(35, 'x'))),
              "PROXY header: too short for its addresses");
    EXPECT_EQ(why_not(proxy_header(0x21, 0x11, "")), "PROXY header: too short for its addresses");
    EXPECT_EQ(why_not(proxy_header(0x21, 0x11, std::string(65535, 'x'))), "PROXY header: too long");
    EXPECT_EQ(why_not(ipv4 + "x"), "PROXY header: its length is another one than it tells");
    for (std::size_t size = 0; size < ipv4.size(); ++size)
        EXPECT_NE(why_not(ipv4.substr(0, size)), "taken") << size;
}

// Taken out (unspecified addresses are taken): this fails.
TEST(ProxyHeader, RefusesOtherFamiliesCommandsAndVersions) {
    const std::string behind(216, 'x');
    for (unsigned family = 0; family < 256; ++family) {
        const bool good = family == 0x11 || family == 0x21;
        EXPECT_EQ(good, why_not(proxy_header(0x21, family, behind)) !=
                            "PROXY header: neither TCP over IPv4 nor over IPv6")
            << family;
    }
    for (unsigned command = 2; command < 16; ++command)
        EXPECT_EQ(why_not(proxy_header(0x20 | command, 0x11, behind)), "PROXY header: an unknown command");
    for (unsigned version = 0; version < 16; ++version) {
        const auto why = why_not(proxy_header(version << 4 | 1, 0x11, behind));
        EXPECT_EQ(why == "PROXY header: not of version 2", version != 2) << version;
    }
    EXPECT_EQ(why_not("PROXY TCP4 198.51.100.7 203.0.113.5 12345 21\r\n"),
              "PROXY header: the connection does not begin with one");
    EXPECT_EQ(why_not(proxy_header_of("0.0.0.0", "203.0.113.5")),
              "PROXY header: an address that nobody can have");
    EXPECT_EQ(why_not(proxy_header_of("2001:db8::7", "::")), "PROXY header: an address that nobody can have");
}

class Reading : public ::testing::Test {
  protected:
    Reading() {
        int pair[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) throw std::runtime_error("socketpair");
        ours_ = Fd(pair[0]);
        theirs_ = Fd(pair[1]);
    }
    void send(std::string_view bytes) {
        ASSERT_EQ(::send(theirs_.get(), bytes.data(), bytes.size(), 0), ssize_t(bytes.size()));
    }
    Fd ours_, theirs_;
    ProxyReader reader_;
};

TEST_F(Reading, TakesTheHeaderHoweverItIsCutAndNothingBehindIt) {
    for (const char byte : ipv4) {
        EXPECT_FALSE(or_throw(reader_.read_from(ours_.get())));
        send({&byte, 1});
    }
    send("USER alice\r\n");
    ASSERT_TRUE(or_throw(reader_.read_from(ours_.get())));
    EXPECT_EQ(reader_.header().source, "198.51.100.7");
    char rest[32] = {};
    EXPECT_EQ(::recv(ours_.get(), rest, sizeof rest, 0), 12);
    EXPECT_STREQ(rest, "USER alice\r\n");
}

TEST_F(Reading, RefusesOtherProtocolsAtTheirFirstByte) {
    send("\x16");
    EXPECT_EQ(reader_.read_from(ours_.get()).error().code, Code::protocol);
}

TEST_F(Reading, TellsTheEnd) {
    send(ipv4.substr(0, 20));
    theirs_.reset();
    EXPECT_EQ(reader_.read_from(ours_.get()).error().code, Code::cancelled);
}

}  // namespace
}  // namespace stowage::ftps
