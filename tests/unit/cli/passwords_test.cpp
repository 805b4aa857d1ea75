// Generated and given passwords.
#include "gateway/cli/passwords.hpp"

#include <gmock/gmock.h>

#include <map>
#include <set>

namespace stowage::cli {
namespace {

TEST(Passwords, HaveNoLookAlikesAndDiffer) {
    std::set<std::string> all;
    for (int i = 0; i < 200; ++i) {
        const auto password = generate_password();
        ASSERT_TRUE(password);
        EXPECT_EQ(password->reveal().size(), 20u);
        EXPECT_EQ(password->reveal().find_first_not_of(password_alphabet), std::string_view::npos);
        all.insert(std::string(password->reveal()));
    }
    EXPECT_EQ(all.size(), 200u);
    for (const char c : std::string_view("0Oo1lIi5S8B2Zz"))
        EXPECT_EQ(password_alphabet.find(c), std::string_view::npos) << c;
}

TEST(Passwords, UseEveryLetterAboutEquallyOften) {
    std::map<char, int> counts;
    constexpr int passwords = 2000;
    for (int i = 0; i < passwords; ++i) {
        const auto password = generate_password();
        for (const char c : password->reveal())
            ++counts[c];
    }
    EXPECT_EQ(counts.size(), password_alphabet.size());
    const double expected = 20.0 * passwords / static_cast<double>(password_alphabet.size());
    for (const auto& [letter, count] : counts)  // six standard deviations
        EXPECT_NEAR(count, expected, 6 * 29) << letter;
}

TEST(Passwords, GivenOnesMustBeCarriedByFtp) {
    EXPECT_TRUE(checked_password(Secret("a b\xc3\xa4:")));
    EXPECT_TRUE(checked_password(Secret(std::string(256, 'x'))));
    for (const auto& bad : {std::string(), std::string(257, 'x'), std::string("a\rb"), std::string("a\0b", 3),
                            std::string("a\tb"), std::string("\x7f")}) {
        const auto checked = checked_password(Secret(bad));
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().code, Code::usage);
    }
}

}  // namespace
}  // namespace stowage::cli
