// Promises of quotas: the same of every backend that enforces them, on its real filesystem.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "provisioning/storage/quota.hpp"
#include "tests/system/storage/quota_rig.hpp"

namespace stowage::storage {
namespace {

TEST_P(Quota, BackendFitsTheFilesystem) {
    EXPECT_EQ(backend_, expected_backend());
    EXPECT_EQ(choose_quota(root_fd_, QuotaChoice::none)->backend, QuotaBackend::none);
    for (const auto& [choice, backend] : {std::pair{QuotaChoice::btrfs, QuotaBackend::btrfs},
                                          {QuotaChoice::xfs, QuotaBackend::xfs},
                                          {QuotaChoice::ext4, QuotaBackend::ext4},
                                          {QuotaChoice::cephfs, QuotaBackend::cephfs}}) {
        const auto chosen = choose_quota(root_fd_, choice);
        EXPECT_EQ(chosen.has_value(), backend == backend_);
        if (!chosen) {
            EXPECT_EQ(chosen.error().code, Code::unsupported) << chosen.error().text();
        }
    }
}

class EnforcedQuota : public Quota {};

TEST_P(EnforcedQuota, StopsTheLabAndFreeingMakesRoomAtOnce) {
    ASSERT_TRUE(set(32 * mebibyte));
    EXPECT_EQ(read().limit_bytes, 32 * mebibyte);
    EXPECT_EQ(write_as_lab("big", 64), over_quota());
    settle();
    EXPECT_GT(read().used_bytes, 20 * mebibyte);
    // CephFS' clients look now and then.
    EXPECT_LE(read().used_bytes, (backend_ == QuotaBackend::cephfs ? 48 : 33) * mebibyte);
    ASSERT_EQ(as_lab([&] { return ::unlink(in_lab("big").c_str()); }), 0);
    settle_freed();
    EXPECT_EQ(write_as_lab("small", 8), 0);
}

TEST_P(EnforcedQuota, CanBeRaisedAndLifted) {
    ASSERT_TRUE(set(16 * mebibyte));
    EXPECT_EQ(write_as_lab("a", 40), over_quota());
    ASSERT_TRUE(set(64 * mebibyte));
    EXPECT_EQ(write_as_lab("a", 40), 0);
    ASSERT_TRUE(set(0));
    EXPECT_EQ(read().limit_bytes, 0u);
    EXPECT_EQ(write_as_lab("b", 60), 0);
}

TEST_P(EnforcedQuota, SetBelowWhatIsThereStopsTheLabAndTakesNothing) {
    ASSERT_TRUE(set(64 * mebibyte));
    ASSERT_EQ(write_as_lab("old", 24), 0);
    settle();
    ASSERT_TRUE(set(8 * mebibyte));
    EXPECT_EQ(write_as_lab("new", 16), over_quota());
    EXPECT_EQ(std::filesystem::file_size(in_lab("old")), 24 * mebibyte);
    ASSERT_EQ(as_lab([&] { return ::unlink(in_lab("old").c_str()); }), 0);
    settle_freed();
    EXPECT_EQ(write_as_lab("new", 4), 0);
}

// Fails on btrfs when it is asked through the lab's own subvolume, whose quota pays for the change.
TEST_P(EnforcedQuota, CanBeRaisedAndLiftedWhereMoreIsUsed) {
    ASSERT_TRUE(set(64 * mebibyte));
    ASSERT_EQ(write_as_lab("old", 24), 0);
    settle();
    for (const auto limit : {64 * mebibyte, std::uint64_t{0}}) {
        ASSERT_TRUE(set(1 * mebibyte));
        settle();
        EXPECT_EQ(write_as_lab("new", 4), over_quota());
        ASSERT_TRUE(set(limit));
        settle_freed();
        EXPECT_EQ(write_as_lab("new", 4), 0);
    }
}

TEST_P(EnforcedQuota, FilesAreCountedAndLimitedToo) {
    if (!counts_files()) GTEST_SKIP() << "btrfs counts no files";
    ASSERT_TRUE(set(0, 20));
    EXPECT_EQ(read().limit_inodes, 20u);
    EXPECT_EQ(make_files(100), over_quota());
    settle();
    EXPECT_GE(read().used_inodes, 19u);
    EXPECT_LE(read().used_inodes, 21u);
    ASSERT_EQ(as_lab([&] { return ::unlink(in_lab("file3").c_str()); }), 0);
    settle_freed();
    EXPECT_EQ(write_as_lab("again", 1), 0);
}

TEST_P(EnforcedQuota, AnotherLabsUsageIsItsOwn) {
    ASSERT_TRUE(make_directory({root_, "lab2", lab_uid}));
    const auto other = *open_lab(root_fd_, {root_, "lab2", lab_uid});
    ASSERT_TRUE(set_quota(backend_, other, {64 * mebibyte, 0, lab_uid + 1}));
    ASSERT_TRUE(set(32 * mebibyte));
    ASSERT_EQ(write_as_lab("data", 16), 0);
    settle();
    EXPECT_LT(read_quota(backend_, other)->used_bytes, mebibyte);
    EXPECT_EQ(read_quota(backend_, other)->limit_bytes, 64 * mebibyte);
}

TEST_P(EnforcedQuota, AFullLabIsPurgedWhole) {
    std::filesystem::create_directories(in_lab("a/b/c"));
    std::ofstream(in_lab("a/b/c/deep")) << "x";
    ASSERT_TRUE(set(16 * mebibyte));
    ASSERT_EQ(write_as_lab("big", 40), over_quota());
    close_all();
    const auto purged = purge_directory(place());
    ASSERT_TRUE(purged) << purged.error().text();
    EXPECT_FALSE(std::filesystem::exists(root_ + "/lab1"));
    root_fd_ = *open_root(root_);
    EXPECT_TRUE(forget_quota(backend_, root_fd_, lab_project));
}

class NoQuota : public Quota {};

TEST_P(NoQuota, WithoutABackendNothingIsClaimedAndTheRemedyIsSaid) {
    ASSERT_TRUE(set(mebibyte));
    EXPECT_EQ(read().limit_bytes, 0u);
    const auto chosen = *choose_quota(root_fd_, QuotaChoice::automatic);
    EXPECT_FALSE(chosen.why.empty());
    if (on("tmpfs")) return;
    EXPECT_NE(chosen.why.find("with project quotas off"), std::string::npos) << chosen.why;
    EXPECT_NE(chosen.remedy.find(" " + root_ + " "), std::string::npos) << chosen.remedy;
    EXPECT_NE(chosen.remedy.find(",prjquota 0 0`"), std::string::npos) << chosen.remedy;
    EXPECT_EQ(chosen.remedy.find("tune2fs") != std::string::npos, on("ext4-off")) << chosen.remedy;
}

TEST_P(NoQuota, TheRemedySwitchesThemOnAndWhatWasThereCounts) {
    if (on("tmpfs")) GTEST_SKIP() << "tmpfs has none";
    ASSERT_EQ(write_as_lab("before", 8), 0);
    close_all();
    ASSERT_TRUE(run("umount " + root_));
    if (on("ext4-off")) {
        ASSERT_TRUE(run("tune2fs -O project,quota -Q prjquota " + image()));
    }
    if (!run("mount -o loop,prjquota " + image() + " " + root_))
        GTEST_SKIP() << "this kernel has no project quotas on it";
    open_all();
    EXPECT_TRUE(counts_by_project(backend_));
    ASSERT_TRUE(set(16 * mebibyte));
    EXPECT_GE(read().used_bytes, 8 * mebibyte);
    EXPECT_EQ(write_as_lab("after", 16), on("xfs-off") ? ENOSPC : EDQUOT);
}

#define FILESYSTEMS_WITH_QUOTAS "btrfs", "btrfs-simple", "xfs", "ext4", "cephfs"
INSTANTIATE_TEST_SUITE_P(On, Quota, testing::Values(FILESYSTEMS_WITH_QUOTAS, "tmpfs", "xfs-off", "ext4-off"),
                         name_of_parameter);
INSTANTIATE_TEST_SUITE_P(On, EnforcedQuota, testing::Values(FILESYSTEMS_WITH_QUOTAS), name_of_parameter);
INSTANTIATE_TEST_SUITE_P(On, NoQuota, testing::Values("tmpfs", "xfs-off", "ext4-off"), name_of_parameter);

}  // namespace
}  // namespace stowage::storage
