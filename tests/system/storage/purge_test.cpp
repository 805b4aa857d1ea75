// Promises of deleting a lab's data.
#include <fcntl.h>
#include <grp.h>
#include <linux/btrfs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "provisioning/storage/marker.hpp"
#include "provisioning/storage/quota.hpp"
#include "provisioning/storage/subvolume.hpp"
#include "tests/system/storage/filesystem_rig.hpp"

namespace stowage::storage {
namespace {

namespace fs = std::filesystem;

class Purge : public FilesystemRig {
  protected:
    /// A tree as a hostile pod would leave it.
    void fill(const std::string& lab = "lab1") {
        fs::create_directory(folder_ + "/outside");
        std::ofstream(folder_ + "/outside/precious") << "x";
        fs::create_directory_symlink(folder_ + "/outside", in_lab("link", lab));
        fs::create_symlink(folder_ + "/outside/precious", in_lab("file-link", lab));
        ::mkfifo(in_lab("fifo", lab).c_str(), 0600);
        for (int i = 0; i < 500; ++i)
            std::ofstream(in_lab("file" + std::to_string(i), lab)) << i;
        fs::create_hard_link(in_lab("file1", lab), in_lab("hard", lab));
        fs::create_directories(in_lab("closed/inside", lab));
        ::chmod(in_lab("closed", lab).c_str(), 0);
        make_deep(in_lab("deep", lab), 1500);
    }
    static void make_deep(const std::string& top, int levels) {
        ::mkdir(top.c_str(), 0700);
        Fd at(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        for (int i = 0; i < levels; ++i) {
            ASSERT_EQ(::mkdirat(at.get(), "dddd", 0700), 0);
            at = Fd(::openat(at.get(), "dddd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        }
    }
    bool nothing_left() const {
        return std::all_of(fs::directory_iterator(root_), fs::directory_iterator(),
                           [](const auto& entry) { return entry.path().filename() == root_marker; });
    }
};

TEST_P(Purge, LeavesNothingBehindAndNothingOutsideTouched) {
    ASSERT_TRUE(make_directory(place()));
    fill();
    const auto purged = purge_directory(place());
    ASSERT_TRUE(purged) << purged.error().text();
    EXPECT_TRUE(nothing_left());
    EXPECT_TRUE(fs::exists(folder_ + "/outside/precious"));
    EXPECT_TRUE(purge_directory(place())) << "done twice it is done once";
    EXPECT_TRUE(nothing_left());
}

TEST_P(Purge, ALabThatHidItsMarkerIsStillItself) {
    ASSERT_TRUE(make_directory(place()));
    fill();
    ASSERT_EQ(as_lab([&] {
                  fs::rename(in_lab(".stowage"), in_lab("hidden"));
                  return 0;
              }),
              0);
    const auto purged = purge_directory(place());
    ASSERT_TRUE(purged) << purged.error().text();
    EXPECT_TRUE(nothing_left());
}

TEST_P(Purge, AFullLabThatMadeSubvolumesBesideItsLimitGoesToo) {
    if (!on_btrfs()) GTEST_SKIP() << "subvolumes are btrfs'";
    ASSERT_TRUE(make_directory(place()));
    const auto lab = *open_lab(*open_root(root_), place());
    ASSERT_TRUE(set_quota(message::QuotaBackend::btrfs, lab, {16 << 20}));
    ASSERT_EQ(as_lab([&] {
                  const Fd top(::open(in_lab("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
                  btrfs_ioctl_vol_args asked{};
                  std::strcpy(asked.name, "beside");
                  return ::ioctl(top.get(), BTRFS_IOC_SUBVOL_CREATE, &asked) == 0 ? 0 : 1;
              }),
              0);
    ASSERT_EQ(as_lab([&] {
                  const std::string bytes(1 << 20, 'x');
                  std::ofstream beside(in_lab("beside/file"), std::ios::binary);
                  for (int i = 0; i < 32; ++i)
                      beside << bytes;
                  std::ofstream full(in_lab("full"), std::ios::binary);
                  for (int i = 0; i < 32; ++i)
                      full << bytes;
                  ::sync();
                  return 0;
              }),
              0);
    const auto purged = purge_directory(place());
    ASSERT_TRUE(purged) << purged.error().text();
    EXPECT_TRUE(nothing_left());
}

TEST_P(Purge, WithoutTheMarkerNothingIsDeleted) {
    fs::create_directory(root_ + "/lab1");
    std::ofstream(in_lab("thesis.tex")) << "x";
    const auto refused = purge_directory(place());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::denied);
    EXPECT_TRUE(fs::exists(in_lab("thesis.tex")));
    auto other = place();
    ASSERT_TRUE(make_directory(place("lab2")));
    other.name = "lab2";
    other.uid = lab_uid + 1;
    EXPECT_FALSE(purge_directory(other)) << "the marker names another uid";
    EXPECT_TRUE(fs::exists(in_lab(".stowage/lab", "lab2")));
}

TEST_P(Purge, KilledAtAnyMomentTheNextOneEndsIt) {
    for (unsigned i = 0; i < 12; ++i) {
        ASSERT_TRUE(make_directory(place()));
        fill();
        (void)kill_during([&] { (void)purge_directory(place()); }, 100 + i * 700);
        const auto purged = purge_directory(place());
        ASSERT_TRUE(purged) << purged.error().text();
        EXPECT_TRUE(nothing_left()) << i;
        fs::remove_all(folder_ + "/outside");
    }
}

/// A member who still has the lab open and renames, makes and links as fast as it can.
[[noreturn]] void disturb(const std::string& lab, const std::string& outside) {
    const bool lab_user = ::setgroups(0, nullptr) == 0 && ::setgid(lab_uid) == 0 && ::setuid(lab_uid) == 0;
    if (!lab_user || ::chdir(lab.c_str()) != 0) ::_exit(1);
    for (unsigned i = 0;; ++i) {
        const auto name = "d" + std::to_string(i % 50);
        ::mkdir(name.c_str(), 0700);
        ::mkdir((name + "/sub").c_str(), 0700);
        ::rename((name + "/sub").c_str(), ("moved" + std::to_string(i % 7)).c_str());
        ::rename(name.c_str(), "swap");
        (void)!::symlink(outside.c_str(), name.c_str());
        ::rename("swap", ("deep/back" + std::to_string(i % 3)).c_str());
        ::unlink(name.c_str());
    }
}

TEST_P(Purge, EndsWhileAMemberWorksAgainstIt) {
    for (int round = 0; round < 5; ++round) {
        ASSERT_TRUE(make_directory(place()));
        fill();
        ASSERT_EQ(::chown(in_lab("deep").c_str(), lab_uid, lab_uid), 0);
        const pid_t member = ::fork();
        if (member == 0) disturb(root_ + "/lab1", folder_ + "/outside");
        ::usleep(2000);
        const auto purged = purge_directory(place());
        ::kill(member, SIGKILL);
        ::waitpid(member, nullptr, 0);
        EXPECT_TRUE(purged) << purged.error().text();
        EXPECT_TRUE(nothing_left());
        EXPECT_TRUE(fs::exists(folder_ + "/outside/precious"));
        fs::remove_all(folder_ + "/outside");
    }
}

TEST_P(Purge, OtherLabsStay) {
    ASSERT_TRUE(make_directory(place()));
    ASSERT_TRUE(make_directory(place("lab2")));
    std::ofstream(in_lab("data", "lab2")) << "x";
    ASSERT_TRUE(purge_directory(place()));
    EXPECT_TRUE(fs::exists(in_lab("data", "lab2")));
}

INSTANTIATE_TEST_SUITE_P(On, Purge, testing::Values("btrfs", "tmpfs", "xfs", "ext4"), name_of_parameter);

}  // namespace
}  // namespace stowage::storage
