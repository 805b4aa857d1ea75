// Names of members: what may become a path below the target, and which links stay there.
#include <gtest/gtest.h>

#include "ftps/worker/member_names.hpp"

namespace stowage::ftps {

TEST(MemberNames, AreRelativeAndWithoutDots) {
    EXPECT_EQ(member_path("a/b", 4000), "a/b");
    EXPECT_EQ(member_path("./a//b/.", 4000), "a/b");
    EXPECT_EQ(member_path("/etc/passwd", 4000), "etc/passwd");
    EXPECT_EQ(member_path("./", 4000), "");
    EXPECT_EQ(member_path("...", 4000), "...");
    EXPECT_EQ(member_path("a\\b \xff[*]", 4000), "a\\b \xff[*]");
}

TEST(MemberNames, ThatLeadUpOrCannotBeNamedAreNone) {
    EXPECT_FALSE(member_path("..", 4000));
    EXPECT_FALSE(member_path("a/../b", 4000));
    EXPECT_FALSE(member_path("a/..", 4000));
    EXPECT_FALSE(member_path("/../../etc/passwd", 4000));
    EXPECT_FALSE(member_path("a\rb", 4000));
    EXPECT_FALSE(member_path("a\nb", 4000));
}

TEST(MemberNames, HaveLimitsOfLengthAndDepth) {
    EXPECT_TRUE(member_path(std::string(255, 'n'), 4000));
    EXPECT_FALSE(member_path(std::string(256, 'n'), 4000));
    EXPECT_TRUE(member_path("abc/de", 6));
    EXPECT_FALSE(member_path("abc/def", 6));
    std::string deep = "d";
    for (std::size_t i = 1; i < max_member_depth; ++i)
        deep += "/d";
    EXPECT_TRUE(member_path(deep, 4000));
    EXPECT_FALSE(member_path(deep + "/d", 4000));
}

TEST(MemberLinks, StayInside) {
    EXPECT_TRUE(link_stays_inside("l", "a"));
    EXPECT_TRUE(link_stays_inside("l", "./a/b"));
    EXPECT_TRUE(link_stays_inside("a/b/l", "../../c"));
    EXPECT_TRUE(link_stays_inside("a/l", ".."));
    EXPECT_TRUE(link_stays_inside("l", "...."));
}

TEST(MemberLinks, ThatLeadOutAreFound) {
    EXPECT_FALSE(link_stays_inside("l", "/etc/passwd"));
    EXPECT_FALSE(link_stays_inside("l", ".."));
    EXPECT_FALSE(link_stays_inside("a/l", "../.."));
    EXPECT_FALSE(link_stays_inside("a/l", "../../x"));
    EXPECT_FALSE(link_stays_inside("l", ""));
    // By its text this stays; through another link "s -> ../.." of the archive it would not.
    EXPECT_FALSE(link_stays_inside("a/b/l", "s/.."));
    EXPECT_FALSE(link_stays_inside("a/b/l", "../s/../x"));
}

TEST(MemberNames, OfTheDirectoryFollowsTheArchive) {
    EXPECT_EQ(directory_for("/up/data.tar.zst"), "/up/data");
    EXPECT_EQ(directory_for("/data.v1.tgz"), "/data.v1");
    EXPECT_EQ(directory_for("/x.zip"), "/x");
    EXPECT_FALSE(directory_for("/up/data"));
    EXPECT_FALSE(directory_for("/up/.tar"));
}

}  // namespace stowage::ftps
