// Password rules and yescrypt.
// Runs in: unit tests.
#include "gateway/controller/reconcile/password_hash.hpp"

#include <crypt.h>
#include <gmock/gmock.h>

namespace stowage::controller {
namespace {

TEST(PasswordHash, IsYescryptOfThePasswordWithASaltOfItsOwn) {
    const Secret password("correct horse battery staple");
    const auto first = or_throw(hash_password(password)), second = or_throw(hash_password(password));
    EXPECT_THAT(first, ::testing::StartsWith("$y$"));
    EXPECT_NE(first, second);
    crypt_data data{};
    EXPECT_EQ(first, crypt_rn(password.c_str(), first.c_str(), &data, sizeof data));
}

TEST(PasswordHash, TakesEightTo511Bytes) {
    EXPECT_FALSE(check_password(Secret("1234567")));
    // Whoever reports it puts the field in front.
    EXPECT_EQ(check_password(Secret("1234567")).error().what, "has 7 bytes");
    EXPECT_TRUE(check_password(Secret("12345678")));
    EXPECT_TRUE(check_password(Secret(std::string(511, 'x'))));
    EXPECT_FALSE(check_password(Secret(std::string(512, 'x'))));
    EXPECT_TRUE(hash_password(Secret(std::string(511, 'x'))));
}

TEST(PasswordHash, RefusesControlCharactersAndTakesUtf8) {
    for (const std::string_view bad : {"with\nnewline", "with\ttab....",
                                       "with\x7f"
                                       "delete"})
        EXPECT_FALSE(check_password(Secret(bad))) << bad;
    EXPECT_FALSE(check_password(Secret(std::string("with\0zero.", 10))));
    EXPECT_TRUE(check_password(Secret("p\xc3\xa4ssw\xc3\xb6rt und so")));
}

TEST(PasswordHash, AnErrorDoesNotHoldThePassword) {
    EXPECT_THAT(check_password(Secret("gehe\nim")).error().text(),
                ::testing::Not(::testing::HasSubstr("gehe")));
}

}  // namespace
}  // namespace stowage::controller
