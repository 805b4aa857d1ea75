// Versions and what they do differently.
#include <gtest/gtest.h>

#include "provisioning/runai/version.hpp"

namespace stowage::runai {
namespace {

TEST(Versions, AreReadFromWhatClustersSay) {
    EXPECT_EQ(parse_version("2.20.29"), (Version{2, 20, 29}));
    EXPECT_EQ(parse_version("v2.24.3-rc.1"), (Version{2, 24, 3}));
    EXPECT_EQ(parse_version("2.20"), (Version{2, 20, 0}));
    for (const char* text : {"", "x", "2.x", "2.", "-1.2", "99999999999.1"})
        EXPECT_FALSE(parse_version(text)) << text;
}

TEST(Versions, HaveTheirTraits) {
    EXPECT_TRUE(has(parse_version("2.20.29"), Trait::several_pools_may_stick));
    EXPECT_FALSE(has(parse_version("2.20.39"), Trait::several_pools_may_stick));
    EXPECT_TRUE(has(parse_version("2.20.33"), Trait::portion_of_many_is_one));
    EXPECT_FALSE(has(parse_version("2.20.34"), Trait::portion_of_many_is_one));
    EXPECT_FALSE(has(parse_version("2.20.60"), Trait::placement_inside_scheduling));
    EXPECT_TRUE(has(parse_version("2.24.0"), Trait::placement_inside_scheduling));
    EXPECT_TRUE(has(parse_version("3.1.0"), Trait::rules_have_phases));
    EXPECT_FALSE(has(std::nullopt, Trait::rules_have_phases));
}

TEST(Versions, ThatAreNotKnownAreWarnedOf) {
    for (const char* known : {"2.20.29", "2.22.1", "2.24.9"})
        EXPECT_EQ(warning_about(known), "");
    EXPECT_NE(warning_about("2.25.0").find("newer"), std::string::npos);
    EXPECT_NE(warning_about("3.0.0").find("newer"), std::string::npos);
    EXPECT_NE(warning_about("2.18.5").find("older"), std::string::npos);
    EXPECT_NE(warning_about("\x1b[2J").find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace stowage::runai
