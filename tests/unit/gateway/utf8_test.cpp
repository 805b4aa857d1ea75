// Strangers' bytes as UTF-8.
#include "gateway/base/utf8.hpp"

#include <gtest/gtest.h>

namespace stowage {
namespace {

TEST(Utf8, ValidTextStays) {
    for (const std::string text : {"", "plain", "Größe", "\xe2\x82\xac", "\xf0\x9f\x92\xbe", "a\x1b[31m"})
        EXPECT_EQ(valid_utf8(text), text);
}

// One such byte in a path would make the whole answer of `stowage sessions` unreadable JSON.
TEST(Utf8, EveryOtherByteIsEscaped) {
    EXPECT_EQ(valid_utf8("a\xff"
                         "b"),
              "a\\xffb");
    EXPECT_EQ(valid_utf8("\xc3"), "\\xc3");                    // cut off
    EXPECT_EQ(valid_utf8("\xc0\xaf"), "\\xc0\\xaf");           // overlong
    EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
    EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

}  // namespace
}  // namespace stowage
