// Promises of projects: everything in a lab counts, and nobody else's project is touched.
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gateway/base/step_rules.hpp"
#include "provisioning/storage/marker.hpp"
#include "provisioning/storage/project.hpp"
#include "tests/system/storage/project_rig.hpp"

namespace stowage::storage {
namespace {

namespace fs = std::filesystem;

TEST_P(ProjectQuota, WhatIsThereAlreadyCountsAndNewFilesFollow) {
    fill_tree();
    ASSERT_TRUE(set(32 * mebibyte));
    EXPECT_EQ(strays(), "");
    EXPECT_TRUE(read().project_whole);
    EXPECT_EQ(attributes(root_ + "/not-the-labs").fsx_projid, 0u);
    EXPECT_EQ(attributes(root_).fsx_projid, 0u);
    fs::create_directories(in_lab("a/new/deeper"));
    std::ofstream(in_lab("a/new/deeper/file")) << "x";
    EXPECT_EQ(strays(), "");
    // An upload is renamed out of the partials.
    fs::rename(in_lab(".stowage/partials/upload"), in_lab("a/published"));
}

TEST_P(ProjectQuota, DoneTwiceWritesNothing) {
    fill_tree();
    ASSERT_TRUE(set(32 * mebibyte));
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat(in_lab("a/b/two").c_str(), &before), 0);
    ASSERT_TRUE(set(32 * mebibyte));
    ASSERT_EQ(::stat(in_lab("a/b/two").c_str(), &after), 0);
    EXPECT_EQ(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
}

TEST_P(ProjectQuota, ALostMarkIsSeenAndThePathBackFindsEveryFile) {
    fill_tree();
    ASSERT_TRUE(set(32 * mebibyte));
    mark(root_ + "/lab1", 0);
    std::ofstream(in_lab("made-meanwhile")) << "x";
    EXPECT_EQ(read().project, 0u);
    EXPECT_FALSE(read().project_whole);
    ASSERT_TRUE(set(32 * mebibyte));
    EXPECT_EQ(strays(), "");
    EXPECT_TRUE(read().project_whole);
}

// A pod could have it done again and again, and in a new folder that were in no project write what counts for
// nobody.
TEST_P(ProjectQuota, ALabIsWalkedThroughOnceWhateverIsDoneToTheMarker) {
    fill_tree();
    ASSERT_TRUE(set(32 * mebibyte));
    fs::rename(in_lab(".stowage"), in_lab("hidden"));
    EXPECT_TRUE(read().project_whole);
    ASSERT_TRUE(put_marker(lab_, "lab1", lab_uid));
    std::ofstream(in_lab(".stowage/partials/upload")) << "x";
    EXPECT_EQ(strays(), "") << "before any other step";
    EXPECT_TRUE(read().project_whole);
}

TEST_P(ProjectQuota, WhatIsNotedOfALabIsNotBelievedOfACopyOrAnotherProject) {
    fill_tree();
    ASSERT_TRUE(set(32 * mebibyte));
    fs::create_directory(root_ + "/copy");
    std::ofstream(root_ + "/copy/file") << "x";
    const auto copy = *open_lab(root_fd_, {root_, "copy", lab_uid});
    char note[128];
    const auto size = ::fgetxattr(lab_.get(), "trusted.stowage.whole", note, sizeof note);
    ASSERT_GT(size, 0);
    ASSERT_EQ(::fsetxattr(copy.get(), "trusted.stowage.whole", note, static_cast<std::size_t>(size), 0), 0);
    mark(root_ + "/copy", lab_project);
    EXPECT_FALSE(read_project(copy)->whole);
    ASSERT_TRUE(put_project(lab_, lab_project + 1));
    EXPECT_EQ(strays(lab_project + 1), "");
    mark(root_ + "/lab1", lab_project);
    EXPECT_FALSE(read().project_whole);
}

TEST_P(ProjectQuota, AProjectThatSomebodyElseUsesIsNotOffered) {
    const auto offer = [&] { return *offer_project(backend_, root_fd_, lab_uid, project_stride); };
    EXPECT_EQ(offer(), lab_uid);
    // Files of a project of an administrator's, who set no limit.
    fs::create_directory(root_ + "/theirs");
    mark(root_ + "/theirs", lab_uid);
    EXPECT_EQ(offer(), lab_uid + project_stride);
    // A limit without files.
    ASSERT_TRUE(set_project_quota(backend_, root_fd_, {mebibyte, 0, lab_uid + project_stride}));
    EXPECT_EQ(offer(), lab_uid + 2 * project_stride);
    // A name alone.
    std::ofstream(folder_ + "/projid") << "scratch:" << lab_uid + 2 * project_stride << "\n";
    std::ofstream("/etc/projid", std::ios::app);
    ASSERT_EQ(::mount((folder_ + "/projid").c_str(), "/etc/projid", nullptr, MS_BIND, nullptr), 0);
    EXPECT_EQ(offer(), lab_uid + 3 * project_stride);
    EXPECT_EQ(::umount("/etc/projid"), 0);
}

TEST_P(ProjectQuota, PurgingForgetsTheLimitsSoThatTheIdIsFreeAgain) {
    fill_tree();
    ASSERT_TRUE(set(32 * mebibyte, 500));
    close_all();
    ASSERT_TRUE(purge_directory(place()));
    root_fd_ = *open_root(root_);
    ASSERT_TRUE(forget_quota(backend_, root_fd_, lab_project));
    // XFS takes removed inodes off their project's count in the background, which tells nobody.
    std::uint32_t offered = 0;
    for (int i = 0; i < 500 && offered != lab_uid; ++i) {
        offered = *offer_project(backend_, root_fd_, lab_uid, project_stride);
        if (offered != lab_uid) ::poll(nullptr, 0, 20);
    }
    EXPECT_EQ(offered, lab_uid);
}

TEST_P(ProjectQuota, AnAdministratorsProjectOnTheWholeRootIsInNobodysWay) {
    mark(root_, 4242);
    ASSERT_TRUE(make_directory({root_, "lab2", lab_uid}));
    const auto lab2 = *open_lab(root_fd_, {root_, "lab2", lab_uid});
    EXPECT_EQ(read_project(lab2)->id, 4242u) << "handed down by the root";
    ASSERT_TRUE(set_quota(backend_, lab2, {mebibyte, 0, lab_uid + 1}));
    EXPECT_EQ(read_project(lab2)->id, lab_uid + 1);
    fs::create_directories(in_lab("a/b/c", "lab2"));
    std::ofstream(in_lab("a/b/c/file", "lab2")) << "x";
    ASSERT_TRUE(purge_directory({root_, "lab2", lab_uid}));
    EXPECT_FALSE(fs::exists(root_ + "/lab2"));
}

INSTANTIATE_TEST_SUITE_P(On, ProjectQuota, testing::Values("xfs", "ext4"), name_of_parameter);

}  // namespace
}  // namespace stowage::storage
