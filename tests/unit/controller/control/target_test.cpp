// Request targets.
// Runs in: unit tests.
#include "gateway/controller/control/target.hpp"

#include <gtest/gtest.h>

namespace stowage::controller {
namespace {

TEST(Target, FindsTheNameInAPath) {
    auto target = or_throw(parse_target("/v1/labs/lab1/verify"));
    EXPECT_FALSE(target.matches("/v1/labs/{}"));
    EXPECT_TRUE(target.matches("/v1/labs/{}/verify"));
    EXPECT_EQ(or_throw(target.lab()), "lab1");
}

TEST(Target, ANameIsOneComponentAndNotEmpty) {
    EXPECT_FALSE(or_throw(parse_target("/v1/labs/")).matches("/v1/labs/{}"));
    EXPECT_FALSE(or_throw(parse_target("/v1/labs//verify")).matches("/v1/labs/{}/verify"));
    EXPECT_FALSE(or_throw(parse_target("/v1/labs/a/b")).matches("/v1/labs/{}"));
}

TEST(Target, RefusesNamesThatAreNone) {
    for (const auto* text : {"/v1/labs/..", "/v1/labs/%2e%2e", "/v1/labs/LAB", "/v1/labs/a%00"}) {
        auto target = or_throw(parse_target(text));
        ASSERT_TRUE(target.matches("/v1/labs/{}")) << text;
        EXPECT_FALSE(target.lab()) << text;
    }
}

TEST(Target, ReadsSessionNumbersAndBannedAddresses) {
    auto target = or_throw(parse_target("/v1/sessions/17"));
    ASSERT_TRUE(target.matches("/v1/sessions/{}"));
    EXPECT_EQ(or_throw(target.session()), 17u);
    for (const auto* text : {"", "-1", "x", "1x", "18446744073709551616"})
        EXPECT_FALSE(parse_session_number(text)) << text;
    EXPECT_EQ(or_throw(parse_banned("192.0.2.1")), "192.0.2.1");
    EXPECT_EQ(or_throw(parse_banned("2001:db8::1")), "2001:db8::/64");
    EXPECT_EQ(or_throw(parse_banned("2001:db8::/64")), "2001:db8::/64");
    for (const auto* text : {"", "host", "1.2.3", "/64"})
        EXPECT_FALSE(parse_banned(text)) << text;
}

TEST(Target, ReadsAQuery) {
    const auto target = or_throw(parse_target("/v1/labs/lab1?purge_data=1&confirm=lab1"));
    EXPECT_EQ(target.query("purge_data"), "1");
    EXPECT_EQ(target.query("confirm"), "lab1");
    EXPECT_EQ(target.query("other"), "");
    EXPECT_TRUE(target.allow({"purge_data", "confirm"}));
    EXPECT_FALSE(target.allow({"purge_data"}));
}

TEST(Target, RefusesWhatIsNoTarget) {
    for (const auto* text : {"", "v1", "http://host/v1", "*", "/v1?a", "/v1?=b", "/v1?a=1&a=2"})
        EXPECT_FALSE(parse_target(text)) << text;
    EXPECT_FALSE(parse_target("/" + std::string(2000, 'a')));
}

}  // namespace
}  // namespace stowage::controller
