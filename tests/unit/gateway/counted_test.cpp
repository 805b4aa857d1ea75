// Numbers with their nouns.
// Runs in: unit tests.
#include "gateway/base/counted.hpp"

#include <gtest/gtest.h>

namespace stowage {
namespace {

TEST(Counted, OneIsSingular) {
    EXPECT_EQ(counted(1, "file"), "1 file");
    EXPECT_EQ(counted(1u, "directory", "directories"), "1 directory");
}

TEST(Counted, AllElseIsPlural) {
    EXPECT_EQ(counted(0, "file"), "0 files");
    EXPECT_EQ(counted(2u, "directory", "directories"), "2 directories");
    EXPECT_EQ(counted(18446744073709551615u, "byte"), "18446744073709551615 bytes");
}

}  // namespace
}  // namespace stowage
