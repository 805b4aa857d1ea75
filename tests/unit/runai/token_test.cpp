// Tokens: lifetimes of JWTs, and what may become a header of ours.
#include <gtest/gtest.h>

#include <boost/json/value.hpp>

#include "provisioning/runai/document.hpp"
#include "provisioning/runai/replies.hpp"

namespace stowage::runai {
namespace {

using std::chrono::seconds;

// {"alg":"none"}
const std::string head = "eyJhbGciOiJub25lIn0.";
const auto now = std::chrono::system_clock::from_time_t(1700000000);

TEST(Jwt, LifetimeIsExpiryMinusIssue) {
    // {"exp":1700003600,"iat":1600000000}
    EXPECT_EQ(jwt_lifetime(head + "eyJleHAiOjE3MDAwMDM2MDAsImlhdCI6MTYwMDAwMDAwMH0.sig", now),
              seconds(100003600));
    // {"exp":1700003600}
    EXPECT_EQ(jwt_lifetime(head + "eyJleHAiOjE3MDAwMDM2MDB9.sig", now), seconds(3600));
    // {"exp":1700003600,"iat":1700009999}: an issue after the expiry is not believed
    EXPECT_EQ(jwt_lifetime(head + "eyJleHAiOjE3MDAwMDM2MDAsImlhdCI6MTcwMDAwOTk5OX0.sig", now), seconds(3600));
}

TEST(Jwt, GivesNothingForWhatIsNone) {
    for (const std::string& text : {
             std::string(), std::string("abc"), std::string("a.b"), std::string("a.b.c.d"), head + "!!!!.sig",
             head + "e30.sig",                                  // {}
             head + "eyJleHAiOiJzb29uIn0.sig",                  // {"exp":"soon"}
             head + "eyJleHAiOi01fQ.sig",                       // {"exp":-5}
             head + "eyJleHAiOjFlMzAwfQ.sig",                   // {"exp":1e300}
             head + "eyJleHAiOjk5OTk5OTk5OTk5OTk5OTk5OTl9.sig"  // {"exp":9999999999999999999}
         })
        EXPECT_EQ(jwt_lifetime(text, now), std::nullopt) << text;
}

Result<Token> token_of(std::string_view json) {
    const auto value = parse_json("test", json);
    if (!value) return value.error();
    return token_in("test", *value);
}

TEST(TokenReply, PrefersItsOwnLifetime) {
    const auto token = token_of(R"({"accessToken":"abc","expiresIn":600})");
    ASSERT_TRUE(token);
    EXPECT_EQ(token->text.reveal(), "abc");
    EXPECT_EQ(token->lifetime, seconds(600));
    const auto opaque = token_of(R"({"accessToken":"abc"})");
    ASSERT_TRUE(opaque);
    EXPECT_EQ(opaque->lifetime, std::nullopt);
}

TEST(TokenReply, RefusesWhatCannotBeABearerToken) {
    for (const char* json :
         {R"({})", R"({"accessToken":null})", R"({"accessToken":5})", R"({"accessToken":""})",
          R"({"accessToken":"a b"})", "{\"accessToken\":\"a\\r\\nX-Evil: 1\"}",
          R"({"accessToken":"a\u0000b"})", R"([])", R"({"accessToken":"abc","expiresIn":"soon"})"}) {
        const auto refused = token_of(json);
        ASSERT_FALSE(refused) << json;
        EXPECT_EQ(refused.error().code, Code::protocol);
    }
}

TEST(TokenRequest, EscapesCredentials) {
    EXPECT_EQ(token_request("a\"b", Secret("x\\y\n")),
              R"({"grantType":"client_credentials","clientId":"a\"b","clientSecret":"x\\y\n"})");
}

}  // namespace
}  // namespace stowage::runai
