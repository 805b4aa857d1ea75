// Names that FTPS users write.
// Runs in: tests only.
#include "ftps/worker/paths.hpp"

#include <gtest/gtest.h>

namespace stowage::ftps {

TEST(Paths, AreResolvedByTheirText) {
    EXPECT_EQ(absolute_path("/", "a//b/./c/").value(), "/a/b/c");
    EXPECT_EQ(absolute_path("/a/b", "../c").value(), "/a/c");
    EXPECT_EQ(absolute_path("/a", "/b").value(), "/b");
    EXPECT_EQ(absolute_path("/a", "").value(), "/a");
    EXPECT_EQ(absolute_path("/a", "../../../..").value(), "/");
    EXPECT_EQ(absolute_path("/", " two  blanks ").value(), "/ two  blanks ");
    EXPECT_EQ(absolute_path("/", "...").value(), "/...");
    EXPECT_EQ(absolute_path("/", "[x]\\*?\xff\x01").value(), "/[x]\\*?\xff\x01");
}

TEST(Paths, RefuseWhatCannotBeAName) {
    EXPECT_FALSE(absolute_path("/", std::string("a\0b", 3)));
    EXPECT_FALSE(absolute_path("/", "a\nb"));
    EXPECT_FALSE(absolute_path("/", "a\rb"));
    EXPECT_TRUE(absolute_path("/", std::string(255, 'x')));
    EXPECT_FALSE(absolute_path("/", std::string(256, 'x')));
    std::string deep;
    for (int i = 0; i < 2048; ++i)
        deep += "/x";
    EXPECT_FALSE(absolute_path("/", deep));
    EXPECT_TRUE(absolute_path("/", deep.substr(2)));
}

TEST(Paths, TakesTheAliasOffAndNothingElse) {
    EXPECT_EQ(without_alias("/mnt/nfs", "/mnt/nfs").value(), "/");
    EXPECT_EQ(without_alias("/mnt/nfs/a/b", "/mnt/nfs").value(), "/a/b");
    EXPECT_FALSE(without_alias("/mnt/nfs2", "/mnt/nfs"));
    EXPECT_FALSE(without_alias("/mnt", "/mnt/nfs"));
    EXPECT_FALSE(without_alias("/x", ""));
    EXPECT_FALSE(without_alias("/x", "/"));
}

TEST(Paths, KnowsWhatIsReserved) {
    EXPECT_TRUE(is_reserved("/.stowage"));
    EXPECT_TRUE(is_reserved("/.stowage/partials/x"));
    EXPECT_FALSE(is_reserved("/.stowage2"));
    EXPECT_FALSE(is_reserved("/a/.stowage"));
}

TEST(Paths, ComeApartAndTogether) {
    EXPECT_EQ(parent_of("/a/b"), "/a");
    EXPECT_EQ(parent_of("/a"), "/");
    EXPECT_EQ(parent_of("/"), "/");
    EXPECT_EQ(name_of("/a/b"), "b");
    EXPECT_EQ(join("/", "x"), "/x");
    EXPECT_EQ(join("/a", "x"), "/a/x");
    EXPECT_EQ(relative("/a/b"), "a/b");
    EXPECT_EQ(relative("/"), ".");
    EXPECT_TRUE(is_within("/a/b", "/a"));
    EXPECT_FALSE(is_within("/ab", "/a"));
    EXPECT_TRUE(is_within("/ab", "/"));
    EXPECT_EQ(quoted("/a\"b"), "\"/a\"\"b\"");
}

}  // namespace stowage::ftps
