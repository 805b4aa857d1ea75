// Promises of making and observing a lab's directory.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "provisioning/storage/marker.hpp"
#include "provisioning/storage/subvolume.hpp"
#include "tests/system/storage/filesystem_rig.hpp"

namespace stowage::storage {
namespace {

namespace fs = std::filesystem;

class LabDirectory : public FilesystemRig {
  protected:
    void expect_whole(const std::string& lab = "lab1") {
        const auto seen = observe_directory(place(lab));
        ASSERT_TRUE(seen) << seen.error().text();
        EXPECT_TRUE(seen->directory_exists && seen->marked && seen->mounted);
        EXPECT_EQ(seen->uid, lab_uid);
        EXPECT_EQ(seen->gid, lab_uid);
        EXPECT_EQ(seen->mode, 02770u);
    }
};

TEST_P(LabDirectory, IsTheLabsOwnAndMakingItTwiceChangesNothing) {
    ASSERT_TRUE(make_directory(place()));
    expect_whole();
    EXPECT_TRUE(observe_directory(place())->empty);
    const auto before = fs::last_write_time(in_lab(".stowage/lab"));
    ASSERT_TRUE(make_directory(place()));
    EXPECT_EQ(fs::last_write_time(in_lab(".stowage/lab")), before);
    const auto root = *open_root(root_);
    EXPECT_EQ(*is_mount_root(root, "lab1"), on_btrfs());
    EXPECT_EQ(as_lab([&] { return std::ofstream(in_lab("data")) << "x" ? 0 : 1; }), 0);
    EXPECT_EQ(as_lab([&] { return std::ofstream(in_lab(".stowage/partials/p")) << "x" ? 0 : 1; }), 0);
    EXPECT_EQ(as_lab([&] { return ::unlink(in_lab(".stowage/lab").c_str()) != 0 ? 0 : 1; }), 0)
        << "the marker is root's";
    EXPECT_FALSE(observe_directory(place())->empty);
}

TEST_P(LabDirectory, KilledAtAnyMomentItIsWholeAfterTheNextTry) {
    int killed = 0;
    for (unsigned i = 0; i < 40; ++i) {
        const auto lab = "lab" + std::to_string(i);
        killed += kill_during([&] { (void)make_directory(place(lab)); }, i * 50);
        const auto made = make_directory(place(lab));
        ASSERT_TRUE(made) << made.error().text();
        expect_whole(lab);
        EXPECT_TRUE(observe_directory(place(lab))->empty);
    }
    EXPECT_GT(killed, 0) << "a quick filesystem is done before most of these moments";
}

TEST_P(LabDirectory, ForeignFilesAreNamedAndLeftAlone) {
    fs::create_directory(root_ + "/lab1");
    std::ofstream(in_lab("thesis.tex")) << "years of work";
    const auto refused = make_directory(place());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::exists);
    EXPECT_NE(refused.error().what.find("thesis.tex"), std::string::npos);
    EXPECT_FALSE(fs::exists(in_lab(".stowage")));
    EXPECT_FALSE(observe_directory(place())->marked);
}

TEST_P(LabDirectory, TheFirstLabMarksTheFilesystem) {
    EXPECT_FALSE(observe_directory(place())->root_marked);
    ASSERT_TRUE(make_directory(place()));
    EXPECT_TRUE(observe_directory(place())->root_marked);
    // Another filesystem, or the empty directory below it.
    fs::remove(root_ + "/.stowage-root");
    fs::create_directory_symlink("/tmp", root_ + "/.stowage-root");
    EXPECT_FALSE(observe_directory(place("lab2"))->root_marked);
}

// Without the second look, after somebody else's was made meanwhile, this fails.
TEST_P(LabDirectory, LabsThatAreTheFirstTogetherMarkTheFilesystemOnce) {
    const LabsRoot meant{{1, 2, 3}, true};
    for (int round = 0; round < 200; ++round) {
        fs::remove(root_ + "/.stowage-root");
        std::barrier start(4);
        std::atomic<int> failed = 0;
        {
            std::vector<std::jthread> labs;
            for (int i = 0; i < 4; ++i)
                labs.emplace_back([&] {
                    const auto root = *open_root(root_);
                    start.arrive_and_wait();
                    if (!put_root_marker(root, meant)) ++failed;
                });
        }
        ASSERT_EQ(failed, 0) << "round " << round;
        ASSERT_EQ(root_mark(*open_root(root_), meant), RootMark::right);
    }
}

TEST_P(LabDirectory, AFilesystemIsTheLabsByTheIdOfItsMark) {
    auto lab1 = place();
    lab1.labs = {{1, 2, 3}, true};
    ASSERT_TRUE(make_directory(lab1));
    EXPECT_TRUE(observe_directory(lab1)->root_marked);
    lab1.labs.id = {4, 5, 6};
    auto seen = observe_directory(lab1);
    EXPECT_TRUE(!seen->root_marked && seen->root_foreign) << "though the lab's own mark is there";
    EXPECT_EQ(make_directory(lab1, true).error().code, Code::unavailable);
    std::ofstream(root_ + "/.stowage-root") << "yes\n";
    ASSERT_TRUE(make_directory(lab1, true)) << "an administrator's word";
    lab1.labs.id = {1, 2, 3};
    EXPECT_TRUE(observe_directory(lab1)->root_foreign) << "the word gave way to the id";
}

TEST_P(LabDirectory, TheEmptyMarkOfAFormerVersionIsTakenOverByALabsOwnMark) {
    ASSERT_TRUE(make_directory(place()));
    auto lab1 = place(), lab2 = place("lab2");
    lab1.labs = lab2.labs = {{1, 2, 3}, false};
    const auto seen = observe_directory(lab1);
    EXPECT_TRUE(!seen->root_marked && !seen->root_foreign);
    EXPECT_FALSE(make_directory(lab2, true));
    ASSERT_TRUE(make_directory(lab1, true));
    lab1.labs.known = true;
    EXPECT_TRUE(observe_directory(lab1)->root_marked);
    EXPECT_TRUE(make_directory(lab2, true));
}

TEST_P(LabDirectory, EmptyDirectoryIsTaken) {
    fs::create_directory(root_ + "/lab1");
    ASSERT_TRUE(make_directory(place()));
    expect_whole();
}

TEST_P(LabDirectory, SymbolicLinkInItsPlaceIsRefused) {
    fs::create_directory(folder_ + "/elsewhere");
    fs::create_directory_symlink(folder_ + "/elsewhere", root_ + "/lab1");
    EXPECT_FALSE(make_directory(place()));
    EXPECT_FALSE(observe_directory(place()));
    EXPECT_TRUE(fs::is_empty(folder_ + "/elsewhere"));
}

TEST_P(LabDirectory, ForgedStowageFolderIsSetAsideAndNothingOutsideIsTouched) {
    ASSERT_TRUE(make_directory(place()));
    fs::create_directory(folder_ + "/outside");
    // What a pod can do: it owns the directory around .stowage.
    ASSERT_EQ(as_lab([&] {
                  fs::rename(in_lab(".stowage"), in_lab("moved"));
                  fs::create_directory_symlink(folder_ + "/outside", in_lab(".stowage"));
                  return 0;
              }),
              0);
    EXPECT_FALSE(observe_directory(place())->marked);
    ASSERT_TRUE(make_directory(place()));
    expect_whole();
    EXPECT_TRUE(fs::is_empty(folder_ + "/outside"));
    EXPECT_FALSE(fs::is_symlink(in_lab(".stowage")));
}

TEST_P(LabDirectory, RootThatOthersMayWriteInIsRefused) {
    ::chmod(root_.c_str(), 0777);
    const auto refused = make_directory(place());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::config);
}

TEST_P(LabDirectory, ReleaseAndMakeAgainKeepTheFiles) {
    ASSERT_TRUE(make_directory(place()));
    std::ofstream(in_lab("data")) << "x";
    ASSERT_TRUE(release_directory(place()));
    ASSERT_TRUE(release_directory(place()));
    EXPECT_EQ(observe_directory(place())->mounted, !on_btrfs());
    ASSERT_TRUE(make_directory(place()));
    expect_whole();
    EXPECT_TRUE(fs::exists(in_lab("data")));
}

// What a client of another lab does with a forged NFS handle: no directory on the way is asked, only the
// file.
bool another_lab_reads(const std::string& path) {
    const Fd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
    const auto handle = "/proc/self/fd/" + std::to_string(file.get());
    return as_lab([&] { return ::open(handle.c_str(), O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1; }, lab_uid + 1) ==
           0;
}

// Fails without keep_others_out().
TEST_P(LabDirectory, WhatIsMadeInItGivesOthersNoRights) {
    ASSERT_TRUE(make_directory(place()));
    EXPECT_FALSE(observe_directory(place())->open_to_others);
    const auto make_open_things = [&] {
        ::umask(0);
        const auto folder = in_lab("folder"), file = in_lab("folder/file");
        if (::mkdir(folder.c_str(), 0777) != 0) return 1;
        return ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666) >= 0 ? 0 : 1;
    };
    ASSERT_EQ(as_lab(make_open_things), 0);
    EXPECT_EQ(static_cast<unsigned>(fs::status(in_lab("folder")).permissions()) & 07u, 0u);
    EXPECT_FALSE(another_lab_reads(in_lab("folder/file")));
    // As it was with a mode that some program gave on purpose, which is the lab's own choice.
    ASSERT_EQ(::chmod(in_lab("folder/file").c_str(), 0644), 0);
    EXPECT_TRUE(another_lab_reads(in_lab("folder/file")));
}

// Fails when observe_directory() does not look, or make_directory() does not mend.
TEST_P(LabDirectory, ALabThatWasOpenedToOthersIsClosedAgain) {
    ASSERT_TRUE(make_directory(place()));
    ASSERT_EQ(as_lab([&] { return ::removexattr(in_lab("").c_str(), "system.posix_acl_default"); }), 0);
    EXPECT_TRUE(observe_directory(place())->open_to_others);
    ASSERT_TRUE(make_directory(place()));
    EXPECT_FALSE(observe_directory(place())->open_to_others);
}

INSTANTIATE_TEST_SUITE_P(On, LabDirectory, testing::Values("btrfs", "tmpfs", "xfs", "ext4"),
                         name_of_parameter);

}  // namespace
}  // namespace stowage::storage
