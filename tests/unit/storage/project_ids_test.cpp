// Project ids that are free.
#include <gtest/gtest.h>

#include "provisioning/storage/project.hpp"

namespace stowage::storage {
namespace {

TEST(NamedProjects, ComeFromBothFilesAndDamagedLinesNameNone) {
    const auto ids =
        named_projects("scratch:42\n# old:43\nbroken\nempty:\nname:12x\nbig:99999999999\nlast:7 \t",
                       "44:/srv/a\n#45:/srv/b\n:/srv/c\n-1:/srv/d\n46:/srv/with:colon");
    EXPECT_EQ(ids, (std::set<std::uint32_t>{42, 7, 44, 46}));
    EXPECT_TRUE(named_projects("", "").empty());
}

TEST(FreeProject, IsTheUidOrOneThatNoOtherLabIsOffered) {
    const auto none = [](std::uint32_t) { return Result<bool>(false); };
    EXPECT_EQ(*free_project(700001, 1000, none), 700001u);
    const auto low = [](std::uint32_t id) { return Result<bool>(id < 702000); };
    EXPECT_EQ(*free_project(700001, 1000, low), 702001u);
    EXPECT_EQ(*free_project(700002, 1000, low), 702002u);
}

TEST(FreeProject, EndsWhenAllAreTakenOrCannotBeLookedAt) {
    const auto all = [](std::uint32_t) { return Result<bool>(true); };
    EXPECT_EQ(free_project(700001, 1 << 24, all).error().code, Code::no_space);
    EXPECT_EQ(free_project(4294967290, 1 << 24, all).error().code, Code::no_space);
    const auto broken = [](std::uint32_t) -> Result<bool> { return Error{Code::io, "quotactl"}; };
    EXPECT_EQ(free_project(700001, 1000, broken).error().code, Code::io);
}

}  // namespace
}  // namespace stowage::storage
