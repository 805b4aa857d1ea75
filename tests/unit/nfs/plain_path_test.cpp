// What may be exported by the kernel's NFS server: a path without links.
// Runs in: unit tests.
#include "nfs/exports/plain_path.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>

namespace stowage::nfs {

TEST(PlainPath, HasNoLinkInAnyPart) {
    std::string folder = (std::filesystem::temp_directory_path() / "stowage-path.XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder = std::filesystem::canonical(folder).string();
    std::filesystem::create_directories(folder + "/disk/labs");
    std::filesystem::create_directory_symlink(folder + "/disk", folder + "/link");
    EXPECT_TRUE(check_plain_path(folder + "/disk/labs"));
    const auto refused = check_plain_path(folder + "/link/labs");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unsupported);
    EXPECT_THAT(refused.error().what, testing::HasSubstr("/link/labs is " + folder + "/disk/labs"));
    std::filesystem::remove_all(folder);
}

}  // namespace stowage::nfs
