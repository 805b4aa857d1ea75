// The control plane's address and request targets.
#include "provisioning/runai/base_url.hpp"

#include <gtest/gtest.h>

namespace stowage::runai {
namespace {

TEST(BaseUrl, TakesHttpsWithNameAddressAndPort) {
    const auto plain = parse_base_url("https://runai.local");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->host, "runai.local");
    EXPECT_EQ(plain->port, 443);
    EXPECT_EQ(plain->host_header, "runai.local");
    EXPECT_FALSE(plain->host_is_address);
    const auto numeric_name = parse_base_url("HTTPS://10.0.0.1.nip.io:443");
    ASSERT_TRUE(numeric_name);
    EXPECT_FALSE(numeric_name->host_is_address);
    EXPECT_EQ(numeric_name->host_header, "10.0.0.1.nip.io");
    const auto six = parse_base_url("https://[2001:db8::1]:8443/");
    ASSERT_TRUE(six);
    EXPECT_EQ(six->host, "2001:db8::1");
    EXPECT_TRUE(six->host_is_address);
    EXPECT_EQ(six->host_header, "[2001:db8::1]:8443");
}

TEST(BaseUrl, TakesHttpForLoopbackAddressesOnly) {
    EXPECT_TRUE(parse_base_url("http://127.0.0.1:8080"));
    EXPECT_TRUE(parse_base_url("http://127.9.9.9:8080"));
    EXPECT_TRUE(parse_base_url("http://[::1]:8080"));
    for (const char* url : {"http://runai.local", "http://10.0.0.1", "http://localhost",
                            "http://127.0.0.1.example.org", "http://[::ffff:10.0.0.1]"}) {
        const auto refused = parse_base_url(url);
        ASSERT_FALSE(refused) << url;
        EXPECT_EQ(refused.error().code, Code::config);
        EXPECT_NE(refused.error().text().find("loopback"), std::string::npos) << refused.error().text();
    }
}

TEST(BaseUrl, RefusesWhatIsNoPlainUrl) {
    for (const char* url : {"",
                            "runai.local",
                            "https://",
                            "ftp://runai.local",
                            "https://me:pw@runai.local",
                            "https://runai.local/path",
                            "https://runai.local/?a=b",
                            "https://runai.local/#x",
                            "https://runai.local:0",
                            "https://runai.local:70000",
                            "https://run ai",
                            "https://-x-",
                            "https://a..b",
                            "https://ru\nnai",
                            "https://[::1",
                            "https://[::1]x",
                            "https://[a.b]",
                            "https://a:",
                            "https://a:x",
                            "https://a:+1",
                            "https://::1",
                            "https://a//",
                            "http:/a"})
        EXPECT_FALSE(parse_base_url(url)) << url;
}

TEST(Target, EncodesEverythingThatMeansSomething) {
    EXPECT_EQ(percent_encoded("a-Z_0.~"), "a-Z_0.~");
    EXPECT_EQ(percent_encoded("a b&c=d/e?f#g%\r\n\xc3\xa9"), "a%20b%26c%3Dd%2Fe%3Ff%23g%25%0D%0A%C3%A9");
    EXPECT_EQ(target("/p", {{"filterBy", "name==lab1,clusterId==x"}, {"limit", "5"}}),
              "/p?filterBy=name%3D%3Dlab1%2CclusterId%3D%3Dx&limit=5");
    EXPECT_EQ(target("/p", {}), "/p");
}

TEST(Host, IsNameOrAddress) {
    for (const char* good : {"a", "nas.example.org", "10.0.0.1", "2001:db8::1", "nas-1", "1a"})
        EXPECT_TRUE(is_host(good)) << good;
    for (const char* bad : {"", ".", "a.", "a..b", "-a", "a-", "a_b", "1.2.3", "999.1.1.1", "a b", "a/b",
                            "fe80::1%eth0", "[::1]"})
        EXPECT_FALSE(is_host(bad)) << bad;
    EXPECT_FALSE(is_host(std::string(64, 'a')));
}

TEST(Uuid, HasItsDashesAndDigits) {
    EXPECT_TRUE(is_uuid("a418ed33-9399-48c0-a890-122cadd13bfd"));
    EXPECT_FALSE(is_uuid("a418ed33-9399-48c0-a890-122cadd13bf"));
    EXPECT_FALSE(is_uuid("a418ed33-9399-48c0-a890-122cadd13bfg"));
    EXPECT_FALSE(is_uuid("a418ed33x9399-48c0-a890-122cadd13bfd"));
    EXPECT_FALSE(is_uuid("../../../../../../../../etc/passwd..1"));
}

}  // namespace
}  // namespace stowage::runai
