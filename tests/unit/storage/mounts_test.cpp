// Lines of mountinfo, and which of them concern a lab.
#include "provisioning/storage/mounts.hpp"

#include <gmock/gmock.h>

namespace stowage::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Mounts, LinesAreReadWithTheirEscapesAndBrokenOnesLeftOut) {
    const auto mounts = parse_mountinfo(
        "36 35 0:31 / /mnt/nfs rw,noatime master:1 - btrfs /dev/loop7 rw,subvol=/\n"
        "37 36 0:31 /my\\040lab /mnt/a\\134b rw - btrfs /dev/loop7 rw\n"
        "garbage\n\nx y - z\n12 - \n"
        "38 1 8:1 / / rw shared:1 master:2 propagate_from:3 - ext4 /dev/sda1 rw");
    ASSERT_EQ(mounts.size(), 3u);
    EXPECT_EQ(mounts[0].id, 36u);
    EXPECT_EQ(mounts[0].device, "0:31");
    EXPECT_EQ(mounts[0].source, "/dev/loop7");
    EXPECT_EQ(mounts[1].root, "/my lab");
    EXPECT_EQ(mounts[1].point, "/mnt/a\\b");
    EXPECT_EQ(mounts[2].type, "ext4");
}

TEST(Mounts, EscapesThatAreNoneStay) {
    const auto mounts = parse_mountinfo("1 1 0:1 /a\\9x /b\\ rw - t s o\n");
    ASSERT_EQ(mounts.size(), 1u);
    EXPECT_EQ(mounts[0].root, "/a\\9x");
    EXPECT_EQ(mounts[0].point, "/b\\");
}

class OtherMounts : public testing::Test {
  protected:
    std::vector<std::string> others(std::vector<Mount> more, const std::string& root_path = "/mnt/nfs") {
        more.insert(more.begin(), top_);
        return other_mounts(more, top_, root_path, "lab1");
    }
    Mount top_{1, "0:31", "/", "/mnt/nfs", "btrfs", "/dev/loop7"};
};

TEST_F(OtherMounts, ItsOwnMountAndOtherLabsAreNone) {
    EXPECT_THAT(others({}), IsEmpty());
    EXPECT_THAT(others({{2, "0:31", "/lab1", "/mnt/nfs/lab1"},
                        {3, "0:31", "/lab1", "/mnt/nfs/lab1"},
                        {4, "0:31", "/lab10", "/mnt/nfs/lab10"},
                        {5, "0:31", "/lab10", "/srv/other"},
                        {6, "0:31", "/", "/mnt/top"},
                        {7, "0:44", "/lab1", "/srv/of-another-filesystem"}}),
                IsEmpty());
}

TEST_F(OtherMounts, ElsewhereInsideAndOverItAreFound) {
    EXPECT_THAT(others({{2, "0:31", "/lab1", "/srv/second"}, {3, "0:31", "/lab1/sub", "/srv/part"}}),
                ElementsAre("/srv/second", "/srv/part"));
    EXPECT_THAT(others({{2, "0:44", "/", "/mnt/nfs/lab1/inside"}}), ElementsAre("/mnt/nfs/lab1/inside"));
    EXPECT_THAT(others({{2, "0:44", "/", "/mnt/nfs/lab1"}}), ElementsAre("/mnt/nfs/lab1"));
}

TEST_F(OtherMounts, LabsRootBelowItsMountAndOfASubvolume) {
    top_ = {1, "8:1", "/", "/", "ext4", "/dev/sda1"};
    EXPECT_THAT(others({{2, "8:1", "/mnt/nfs/lab1", "/srv/second"}}), ElementsAre("/srv/second"));
    EXPECT_THAT(others({{2, "8:1", "/lab1", "/srv/second"}}), IsEmpty());
    top_ = {1, "0:31", "/@labs", "/srv", "btrfs", "/dev/sda1"};
    EXPECT_THAT(others({{2, "0:31", "/@labs/nfs/lab1", "/x"}}, "/srv/nfs"), ElementsAre("/x"));
}

}  // namespace
}  // namespace stowage::storage
