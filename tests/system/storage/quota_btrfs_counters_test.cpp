// What only btrfs does with its counters.
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "provisioning/storage/subvolume.hpp"
#include "tests/system/storage/quota_rig.hpp"

namespace stowage::storage {
namespace {

class BtrfsQuota : public Quota {};

TEST_P(BtrfsQuota, CountersThatBtrfsGaveUpAreCountedAgain) {
    if (on("btrfs-simple")) GTEST_SKIP() << "simple quotas do not lose count";
    ASSERT_TRUE(set(64 * mebibyte));
    ASSERT_EQ(write_as_lab("data", 8), 0);
    // A qgroup above one that shares extents with a snapshot: the cheapest way to make btrfs lose count.
    const auto id = std::to_string(*subvolume_id(lab_));
    const auto lost_count = "btrfs qgroup show " + root_ + " 2>&1 | grep -q inconsistent";
    if (!run("btrfs subvolume snapshot " + root_ + "/lab1 " + root_ + "/.snapshot && sync -f " + root_ +
             " && btrfs qgroup create 1/0 " + root_ + " && btrfs qgroup assign --no-rescan 0/" + id +
             " 1/0 " + root_ + "; sync -f " + root_ + "; " + lost_count))
        GTEST_SKIP() << "this btrfs does not lose count so easily";
    ASSERT_TRUE(read_quota(backend_, lab_));
    ::ioctl(lab_.get(), BTRFS_IOC_QUOTA_RESCAN_WAIT);
    ::syncfs(lab_.get());
    EXPECT_FALSE(run(lost_count));
    EXPECT_GE(read().used_bytes, 8 * mebibyte);
    EXPECT_EQ(read().limit_bytes, 64 * mebibyte);
}

// What somebody has switched on stays as it is: full qgroups would count everything anew, and simple ones
// keep older kernels from mounting the filesystem.
TEST_P(BtrfsQuota, TheModeThatIsOnStaysAndIsSaid) {
    ASSERT_TRUE(set(64 * mebibyte));
    ASSERT_EQ(write_as_lab("data", 8), 0);
    settle();
    EXPECT_EQ(*has_simple_quotas(root_fd_), on("btrfs-simple"));
    const auto chosen = *choose_quota(root_fd_, QuotaChoice::automatic);
    EXPECT_EQ(chosen.why.find("simple quotas") != std::string::npos, on("btrfs-simple")) << chosen.why;
    EXPECT_GE(read().used_bytes, 8 * mebibyte);
}

INSTANTIATE_TEST_SUITE_P(On, BtrfsQuota, testing::Values("btrfs", "btrfs-simple"), name_of_parameter);

}  // namespace
}  // namespace stowage::storage
