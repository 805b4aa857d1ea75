// What a lab, user, size, count or network may be called.
#include "gateway/base/identity.hpp"

#include <gtest/gtest.h>

namespace stowage {
namespace {

TEST(LabName, KeepsRunAiRules) {
    EXPECT_EQ(*parse_lab_name("lab1"), "lab1");
    EXPECT_EQ(*parse_lab_name("a"), "a");
    EXPECT_EQ(*parse_lab_name(std::string(57, 'a')), std::string(57, 'a'));
    for (const std::string bad :
         {"", "1lab", "Lab", "lab_1", "lab.1", "..", "/", "a/b", "lab-", "-lab", "l\nb", "läb", "lab1 "})
        EXPECT_FALSE(parse_lab_name(bad)) << bad;
    EXPECT_FALSE(parse_lab_name(std::string(58, 'a')));
    EXPECT_FALSE(parse_lab_name(std::string("lab\0x", 5)));
}

TEST(LabName, ErrorNamesValueAndRemedyAndStaysShort) {
    const auto refused = parse_lab_name(std::string(300, 'x') + "\n");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("301 bytes"), std::string::npos);
    EXPECT_LT(refused.error().what.size(), 200u);
    EXPECT_EQ(refused.error().what.find('\n'), std::string::npos);
    EXPECT_FALSE(refused.error().remedy.empty());
}

TEST(UserName, TakesEmailAddressesAndNoSeparators) {
    EXPECT_TRUE(parse_user_name("alice@example.org"));
    for (const std::string bad : {"", "a:b", "a b", "a/b", "'a", "-a", "a\"", "a\n", ".."})
        EXPECT_FALSE(parse_user_name(bad)) << bad;
    EXPECT_FALSE(parse_user_name(std::string_view("a\0b", 3)));
}

TEST(Bytes, ReadsUnitsOf1024) {
    EXPECT_EQ(*parse_bytes("quota", "10TiB"), 10ull << 40);
    EXPECT_EQ(*parse_bytes("quota", "10T"), 10ull << 40);
    EXPECT_EQ(*parse_bytes("quota", "1.5G"), 3ull << 29);
    EXPECT_EQ(*parse_bytes("quota", "512B"), 512u);
    EXPECT_EQ(*parse_bytes("quota", "none"), 0u);
    EXPECT_EQ(*parse_bytes("quota", "8191PiB"), 8191ull << 50);
}

TEST(Bytes, RefusesWhatIsNoSize) {
    for (const std::string bad :
         {"", "-1", "1e30", "nan", "inf", "0", "0GiB", "1.5", "1..5G", ".5G", "5.", "10XB", "10Ti", "10 TiB",
          "9999999PiB", "99999999999999999999999", "0x10", "+1", "1,5G"})
        EXPECT_FALSE(parse_bytes("quota", bad)) << bad;
}

/// A quota of 500 bytes takes no file at all; who writes 500 means another unit.
TEST(Bytes, ANumberWithoutAUnitIsNone) {
    const auto bytes = parse_bytes("quota", "500");
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().text(),
              "quota \"500\": has no unit; give a size such as 500GiB, 10TiB or 1.5T, or none for no limit");
}

TEST(Bytes, PrintsWhatItReads) {
    EXPECT_EQ(format_bytes(1536), "1.5KiB");
    EXPECT_EQ(format_bytes(8ull << 30), "8GiB");
    EXPECT_EQ(format_bytes(0), "0B");
    EXPECT_EQ(*parse_bytes("x", format_bytes(3ull << 29)), 3ull << 29);
}

TEST(Count, ReadsDecimalUnits) {
    EXPECT_EQ(*parse_count("inodes", "50M"), 50'000'000u);
    EXPECT_EQ(*parse_count("inodes", "none"), 0u);
    for (const std::string bad : {"", "0", "-5", "1.5", "5T", "M"})
        EXPECT_FALSE(parse_count("inodes", bad)) << bad;
}

TEST(Network, IsCanonical) {
    EXPECT_EQ(*parse_network("10.0.0.0/8"), "10.0.0.0/8");
    EXPECT_EQ(*parse_network("10.1.2.3"), "10.1.2.3/32");
    EXPECT_EQ(*parse_network("FD00::/8"), "fd00::/8");
    for (const std::string bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "host",
                                  "fd00::/129", "10.0.0.0/8 ", "*"})
        EXPECT_FALSE(parse_network(bad)) << bad;
    const auto refused = parse_network("10.1.2.3/8");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().remedy.find("10.0.0.0/8"), std::string::npos);
}

TEST(Network, OfAClientIsItsAddressOrItsSixtyFour) {
    EXPECT_EQ(client_network("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(client_network("::ffff:192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(client_network("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
    EXPECT_EQ(client_network("2001:DB8:1:2:ffff::"), client_network("2001:db8:1:2:3::4"));
    EXPECT_EQ(client_network("::1"), "::/64");
    for (const std::string bad : {"", "host", "192.0.2.1/32", "192.0.2.1 ", "192.0.2"})
        EXPECT_EQ(client_network(bad), "") << bad;
    EXPECT_EQ(client_network(std::string_view("192.0.2.1\0x", 11)), "") << "inet_pton() stops at a NUL";
    EXPECT_FALSE(parse_network(std::string_view("10.0.0.0\0x/8", 12)));
}

TEST(Network, SeesOverlaps) {
    EXPECT_TRUE(networks_overlap("10.0.0.0/8", "10.1.0.0/16"));
    EXPECT_TRUE(networks_overlap("10.1.0.0/16", "10.0.0.0/8"));
    EXPECT_FALSE(networks_overlap("10.0.0.0/16", "10.1.0.0/16"));
    EXPECT_FALSE(networks_overlap("10.0.0.0/8", "fd00::/8"));
    EXPECT_TRUE(networks_overlap("0.0.0.0/0", "192.168.0.0/24"));
}

}  // namespace
TEST(Client, NetworksWithAndWithoutRights) {
    const auto text = [](std::string_view given) {
        const auto client = parse_client(given);
        return client ? to_text(*client) : client.error().text();
    };
    EXPECT_EQ(text("10.0.0.0/8"), "10.0.0.0/8");
    EXPECT_EQ(text("10.9.0.0/16:ro"), "10.9.0.0/16:ro");
    EXPECT_EQ(text("10.9.0.7:ro"), "10.9.0.7/32:ro");
    EXPECT_EQ(text("fd00::1:ro"), "fd00::1/128:ro");
    EXPECT_EQ(text("0.0.0.0/0:anybody"), "0.0.0.0/0:anybody");
    EXPECT_EQ(text("::/0:ro:anybody"), "::/0:ro:anybody");
    EXPECT_TRUE(parse_client("10.9.0.0/16:ro")->read_only);
}

TEST(Client, TheWorldOnlyOnPurpose) {
    for (const auto* everybody : {"0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1:ro", "64.0.0.0/2",
                                  "8.0.0.0/7", "2000::/3", "2400::/12:ro"}) {
        const auto client = parse_client(everybody);
        ASSERT_FALSE(client) << everybody;
        EXPECT_NE(client.error().text().find(std::string(everybody) + ":anybody"), std::string::npos);
    }
    EXPECT_FALSE(parse_client("10.0.0.0/8:anybody"));
    for (const auto* sites : {"10.0.0.0/8", "fd00::/8", "fc00::/7", "2001:db8::/32", "fe80::/16"})
        EXPECT_TRUE(parse_client(sites)) << sites;
}

TEST(Client, IPv4IsWrittenAsIPv4) {
    for (const auto& [written, meant] : {std::pair{"::ffff:0:0/96", "0.0.0.0/0"},
                                         {"::ffff:10.0.0.0/104:ro", "10.0.0.0/8"},
                                         {"::ffff:10.1.2.3", "10.1.2.3/32"},
                                         {"::/64", "the nodes' networks"}}) {
        const auto client = parse_client(written);
        ASSERT_FALSE(client) << written;
        EXPECT_NE(client.error().remedy.find(meant), std::string::npos) << client.error().text();
    }
}

TEST(Client, HostNamesAreRefused) {
    for (const auto* name :
         {"node1.example.org", "*", "@netgroup", "10.0.0.0/8:rw", "10.0.0.0/8:", ":ro", ""})
        EXPECT_FALSE(parse_client(name)) << name;
    EXPECT_NE(parse_client("node1.example.org").error().text().find("host name"), std::string::npos);
}

}  // namespace stowage
