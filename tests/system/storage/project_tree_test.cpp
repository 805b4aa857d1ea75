// Promises of the walk that puts a lab's tree into its project: to the last file, and nothing beside the lab.
#include <linux/capability.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "gateway/base/step_rules.hpp"
#include "provisioning/storage/marker.hpp"
#include "tests/system/storage/project_rig.hpp"

namespace stowage::storage {
namespace {

namespace fs = std::filesystem;

class ProjectTree : public ProjectQuota {};

TEST_P(ProjectTree, KilledWhileItMarksTheTreeItGoesOnNextTime) {
    for (int folder = 0; folder < 40; ++folder) {
        const auto path = in_lab("folder" + std::to_string(folder));
        fs::create_directory(path);
        for (int file = 0; file < 50; ++file)
            std::ofstream(path + "/" + std::to_string(file)) << "x";
    }
    int killed = 0;
    for (unsigned microseconds = 200; microseconds < 60'000; microseconds *= 2) {
        const bool cut = kill_during([&] { (void)put_project(lab_, lab_project); }, microseconds);
        killed += cut;
        const bool claims_to_be_done = cut && read_project(lab_)->whole;
        EXPECT_TRUE(!claims_to_be_done || strays().empty());
    }
    ASSERT_TRUE(put_project(lab_, lab_project));
    EXPECT_TRUE(read_project(lab_)->whole);
    EXPECT_EQ(strays(), "");
    RecordProperty("killed", killed);
}

TEST_P(ProjectTree, WideAndDeepTreesAreMarkedToTheLast) {
    for (int folder = 0; folder < 2500; ++folder)
        fs::create_directory(in_lab("wide" + std::to_string(folder)));
    auto path = in_lab("deep");
    for (int level = 0; level < 150; ++level) {
        for (const auto* name : {"/a", "/b", "/c"})
            fs::create_directories(path + name);
        std::ofstream(path + "/file") << "x";
        path += "/b";
    }
    ASSERT_TRUE(set(32 * mebibyte));
    EXPECT_EQ(strays(), "");
    EXPECT_TRUE(read().project_whole);
}

// Fails when each level holds a descriptor.
TEST_P(ProjectTree, TreesDeeperThanDescriptorsReachAreMarkedToTheLast) {
    constexpr int levels = 400;
    auto at = Fd(::open(in_lab("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto below = [&at](const char* name, int flags) {
        return Fd(::openat(at.get(), name, flags | O_CLOEXEC, 0600));
    };
    for (int level = 0; level < levels; ++level) {
        ASSERT_EQ(::mkdirat(at.get(), "a", 0700), 0);
        ASSERT_EQ(::mkdirat(at.get(), "deeper", 0700), 0);
        ASSERT_EQ(::mkdirat(at.get(), "z", 0700), 0);
        ASSERT_TRUE(below("z/file", O_WRONLY | O_CREAT));
        at = below("deeper", O_RDONLY | O_DIRECTORY);
    }
    const auto mark_with_few_descriptors = [this] {
        const rlimit few{128, 128};
        const auto put = ::setrlimit(RLIMIT_NOFILE, &few) == 0 ? put_project(lab_, lab_project)
                                                               : system_error(errno, "setrlimit");
        if (!put) std::cerr << put.error().text() << "\n";
        return put ? 0 : 1;
    };
    ASSERT_EQ(in_child(mark_with_few_descriptors), 0);
    EXPECT_TRUE(read_project(lab_)->whole);
    int strays = 0;
    at = Fd(::open(in_lab("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int level = 0; level < levels; ++level) {
        for (const auto* name : {"a", "z", "z/file", "deeper"})
            strays += attributes(below(name, O_RDONLY)).fsx_projid != lab_project;
        at = below("deeper", O_RDONLY | O_DIRECTORY);
    }
    EXPECT_EQ(strays, 0);
}

// A pod that moves and removes what is being walked, below the levels that are held open and above them.
TEST_P(ProjectTree, WhatIsMovedAboutMeanwhileIsMarkedAndNothingBesideTheLab) {
    std::string deep = "a", middle;
    for (int level = 0; level < 250; ++level) {
        deep += "/d";
        if (level == 60) middle = deep;
        fs::create_directories(in_lab(deep + "/e"));
        std::ofstream(in_lab(deep + "/file")) << "x";
    }
    fs::create_directories(in_lab("b/c"));
    fs::create_directories(root_ + "/neighbour/d");
    std::ofstream(root_ + "/neighbour/d/file") << "x";
    ASSERT_TRUE(run("chown -R " + std::to_string(lab_uid) + " " + in_lab("a") + " " + in_lab("b")));
    MemberAtWork member([&] {
        for (;;) {
            ::rename(in_lab(deep + "/e").c_str(), in_lab("b/c/e").c_str());
            ::rename(in_lab("b/c/e").c_str(), in_lab(deep + "/e").c_str());
            ::rename(in_lab(middle).c_str(), in_lab("b/c/moved").c_str());
            ::rename(in_lab("b/c/moved").c_str(), in_lab(middle).c_str());
            for (const auto* name : {"a/gone", "b/gone", "b/c/gone"})
                ::mkdir(in_lab(name).c_str(), 0700);
            for (const auto* name : {"a/gone", "b/gone", "b/c/gone"})
                ::rmdir(in_lab(name).c_str());
        }
    });
    for (std::uint32_t round = 0; round < 10; ++round) {
        const auto id = lab_project + round % 2 * project_stride;
        const auto put = put_project(lab_, id);
        ASSERT_TRUE(put) << put.error().text();
    }
    member.stop();
    EXPECT_EQ(strays(lab_project + project_stride), "");
    for (const auto* name : {"", "/neighbour", "/neighbour/d", "/neighbour/d/file"})
        EXPECT_EQ(attributes(root_ + name).fsx_projid, 0u) << name;
}

// The kernel's part of it: root_step marks a directory before it reads the names in it, and from then on who
// renames what is not marked yet can hide nothing from it.
TEST_P(ProjectTree, NothingUnmarkedIsRenamedOrLinkedInAMarkedDirectory) {
    fs::create_directories(in_lab("marked/folder"));
    std::ofstream(in_lab("marked/file")) << "x";
    mark(in_lab("marked"), lab_project);
    std::ofstream(in_lab("marked/own")) << "x";
    ASSERT_TRUE(run("chown -R " + std::to_string(lab_uid) + " " + in_lab("marked")));
    const auto refusal = [](long done) { return done == 0 ? 0 : errno; };
    const auto tried = in_child([&] {
        if (::chdir(in_lab("marked").c_str()) != 0 || ::setuid(lab_uid) != 0) return 1;
        if (refusal(::rename("file", "other")) != EXDEV) return 2;
        if (refusal(::rename("folder", "other")) != EXDEV) return 3;
        if (refusal(::link("file", "other")) != EXDEV) return 4;
        if (refusal(::syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "own", RENAME_EXCHANGE)) != EXDEV)
            return 5;
        return refusal(::rename("own", "other")) == 0 ? 0 : 6;
    });
    EXPECT_EQ(tried, 0);
}

// Fails when a socket's ENXIO, or a FIFO without attributes, ends the step.
TEST_P(ProjectTree, WhatBecomesAFifoOrASocketMeanwhileEndsNothing) {
    constexpr int names = 40;
    for (int i = 0; i < names; ++i) {
        std::ofstream(in_lab("file" + std::to_string(i))) << "x";
        const auto other = in_lab("other" + std::to_string(i));
        ASSERT_EQ(::mknod(other.c_str(), (i % 2 ? S_IFIFO : S_IFSOCK) | 0600, 0), 0);
    }
    const MemberAtWork member([this] {
        for (int i = 0;; i = (i + 1) % names)
            ::renameat2(AT_FDCWD, in_lab("file" + std::to_string(i)).c_str(), AT_FDCWD,
                        in_lab("other" + std::to_string(i)).c_str(), RENAME_EXCHANGE);
    });
    for (std::uint32_t round = 0; round < 100; ++round) {
        const auto put = put_project(lab_, lab_project + round % 2 * project_stride);
        ASSERT_TRUE(put) << put.error().text();
    }
}

// An NFS client's delegation is one. Fails when opening it without waiting (EAGAIN) ends the step.
TEST_P(ProjectTree, AFileWithALeaseIsMarkedOnceItsHolderLetsItGo) {
    std::ofstream(in_lab("leased")) << "x";
    sigset_t asked;
    ::sigemptyset(&asked);
    ::sigaddset(&asked, SIGIO);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &asked, nullptr), 0);
    const Fd held(::open(in_lab("leased").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::fcntl(held.get(), F_SETLEASE, F_WRLCK), 0);
    std::thread holder([&] {
        int signal = 0;
        ::sigwait(&asked, &signal);
        ::fcntl(held.get(), F_SETLEASE, F_UNLCK);
    });
    const auto put = put_project(lab_, lab_project);
    ::kill(::getpid(), SIGIO);  // if nobody has asked
    holder.join();
    EXPECT_TRUE(put) << put.error().text();
    EXPECT_EQ(attributes(in_lab("leased")).fsx_projid, lab_project);
}

/// In a child that lacks the right: 0 when the limit was set and the tree marked, 1 when one of them failed.
class WithoutARight : public ProjectTree {
  protected:
    int set_without(unsigned capability, std::uint64_t bytes) {
        return in_child([&] {
            __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
            __user_cap_data_struct rights[2];
            if (::syscall(SYS_capget, &header, rights) != 0) return 2;
            rights[0].effective &= ~(1u << capability);
            if (::syscall(SYS_capset, &header, rights) != 0) return 3;
            const auto done = set(bytes);
            if (!done) std::cerr << done.error().text() << "\n";
            return done ? 0 : 1;
        });
    }
};

// Fails when the limit comes behind the tree.
TEST_P(WithoutARight, TheLimitHoldsAlsoWhereTheTreeCannotBeMarked) {
    ASSERT_EQ(set_without(CAP_FOWNER, 32 * mebibyte), 1);
    EXPECT_EQ(read_quota(backend_, lab_, lab_project)->limit_bytes, 32 * mebibyte);
}

TEST_P(WithoutARight, ALabThatHoldsMoreThanItMayIsMarkedAllTheSame) {
    ASSERT_EQ(write_as_lab("old", 24), 0);
    fill_tree();
    ASSERT_EQ(set_without(CAP_SYS_RESOURCE, 8 * mebibyte), 0);
    EXPECT_EQ(strays(), "");
    EXPECT_EQ(read().limit_bytes, 8 * mebibyte);
    EXPECT_TRUE(read().project_whole);
    EXPECT_EQ(write_as_lab("new", 4), over_quota());
}

// A pod moves the marker away and fills its lab: only more room lets the marker be made again.
TEST_P(ProjectTree, AFullLabWithoutItsMarkerIsGivenMoreRoom) {
    ASSERT_TRUE(set(8 * mebibyte));
    fs::rename(in_lab(".stowage"), in_lab("hidden"));
    EXPECT_EQ(write_as_lab("all", 24), over_quota());
    ASSERT_TRUE(set(32 * mebibyte));
    EXPECT_EQ(read().limit_bytes, 32 * mebibyte);
    ASSERT_TRUE(put_marker(lab_, "lab1", lab_uid));
    EXPECT_EQ(strays(), "");
}

INSTANTIATE_TEST_SUITE_P(On, WithoutARight, testing::Values("xfs", "ext4"), name_of_parameter);
INSTANTIATE_TEST_SUITE_P(On, ProjectTree, testing::Values("xfs", "ext4"), name_of_parameter);

}  // namespace
}  // namespace stowage::storage
