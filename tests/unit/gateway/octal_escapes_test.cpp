// \ooo and what is none.
// Runs in: unit tests.
#include "gateway/base/octal_escapes.hpp"

#include <gtest/gtest.h>

namespace stowage {

TEST(OctalEscapes, AreBytesAndNothingElseIs) {
    EXPECT_EQ(without_octal_escapes("/a\\040b\\134c\\377"), "/a b\\c\xff");
    for (const auto* text : {"", "\\", "\\04", "\\400", "\\08a", "a\\b", "\\777"})
        EXPECT_EQ(without_octal_escapes(text), text);
    EXPECT_EQ(without_octal_escapes("\\\\040"), "\\ ");
}

}  // namespace stowage
