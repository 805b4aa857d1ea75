// Words, quotes and numbers of arguments.
// Runs in: tests only.
#include "ftps/worker/command_arguments.hpp"

#include <gmock/gmock.h>

namespace stowage::ftps {

using testing::ElementsAre;
using testing::IsEmpty;

// Taken out one by one (what stands behind the digits, the sign): each fails.
TEST(CommandArguments, OffsetsAreWhatAFileCanHave) {
    EXPECT_EQ(parse_offset("0"), 0u);
    EXPECT_EQ(parse_offset("9223372036854775807"), 9223372036854775807u);
    for (const auto* bad : {"", "-0", "-1", "+1", " 1", "1 ", "0x1", "1.5", "9223372036854775808",
                            "18446744073709551616", "99999999999999999999999999999999"})
        EXPECT_FALSE(parse_offset(bad)) << bad;
}

TEST(CommandArguments, QuotedNamesMayHoldBlanksAndQuotes) {
    EXPECT_THAT(quoted_words(R"("my set.bin" part1  "a ""b"" c" )", 9).value(),
                ElementsAre("my set.bin", "part1", "a \"b\" c"));
    EXPECT_THAT(quoted_words("  ", 9).value(), IsEmpty());
    EXPECT_THAT(quoted_words(R"(it's"in)", 9).value(), ElementsAre("it's\"in"));
    EXPECT_THAT(quoted_words(R"("")", 9).value(), ElementsAre(""));
}

TEST(CommandArguments, QuotesWithoutEndAndTooManyNamesAreRefused) {
    for (const auto* bad : {"\"", "\"a", "a \"b", "\"a\"b", "\"a\"\"", "1 2 3 4"})
        EXPECT_FALSE(quoted_words(bad, 3)) << bad;
}

TEST(CommandArguments, SplitAtTheFirstBlankOnly) {
    EXPECT_EQ(split_word("644 a  b").rest, "a  b");
    EXPECT_EQ(split_word("644").first, "644");
    EXPECT_EQ(split_word("").rest, "");
}

}  // namespace stowage::ftps
