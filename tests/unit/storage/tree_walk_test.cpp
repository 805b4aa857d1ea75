// The walk through a tree that others change meanwhile.
#include "provisioning/storage/tree_walk.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <thread>

namespace stowage::storage {
namespace {

namespace fs = std::filesystem;

class TreeWalk : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "handles are opened with CAP_DAC_READ_SEARCH";
        char pattern[] = "/dev/shm/stowage-walk-XXXXXX";  // thousands of directories: no disk is waited for
        top_ = ::mkdtemp(pattern);
    }
    ~TreeWalk() override { fs::remove_all(top_); }

    Fd open(const std::string& path = ".") const {
        return Fd(::open((top_ / path).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    }
    void make(const std::string& path) const {
        fs::create_directories((top_ / path).parent_path());
        std::ofstream(top_ / path) << "x";
    }
    void move(const std::string& from, const std::string& to) const { fs::rename(top_ / from, top_ / to); }
    static ino_t inode_of(const Fd& fd) {
        struct stat seen {};
        EXPECT_EQ(::fstat(fd.get(), &seen), 0);
        return seen.st_ino;
    }
    Result<void> walk(const std::function<void(const Fd&)>& at_directory = {}) {
        return walk_tree(open(), spared_,
                         {[&](const Fd& directory) -> Result<void> {
                              ++directories_;
                              if (at_directory) at_directory(directory);
                              return {};
                          },
                          [&](const Fd&, const std::string& name) -> Result<void> {
                              files_.insert(name);
                              return {};
                          }});
    }
    /// "a/d/d/…", with directories beside each that have a file.
    std::string make_chain(int levels) const {
        std::string path = "a";
        for (int level = 0; level < levels; ++level) {
            path += "/d";
            for (const auto* beside : {"/b/", "/y/"})
                make(path + beside + "file" + std::to_string(level));
        }
        return path;
    }

    fs::path top_;
    std::string spared_;
    std::multiset<std::string> files_;
    int directories_ = 0;
};

TEST_F(TreeWalk, ShowsEachOnceAndLeavesWhatIsSpared) {
    make("a/one");
    make("a/b/two");
    make("spared/not");
    make("a/spared/three");
    ASSERT_EQ(::mkfifo((top_ / "a/fifo").c_str(), 0600), 0);
    fs::create_directory_symlink("/etc", top_ / "a/link");
    spared_ = "spared";
    ASSERT_TRUE(walk());
    EXPECT_EQ(files_, (std::multiset<std::string>{"one", "three", "two"}));
    EXPECT_EQ(directories_, 4);
}

TEST_F(TreeWalk, NeedsFewDescriptorsHoweverDeepTheTree) {
    constexpr int levels = 3000;  // of paths there is an end at 2,000
    auto at = open();
    for (int level = 0; level < levels; ++level) {
        ASSERT_EQ(::mkdirat(at.get(), "d", 0700), 0);
        at = Fd(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit few{160, 160};
        const auto walked =
            ::setrlimit(RLIMIT_NOFILE, &few) == 0 ? walk() : Error{Code::internal, "setrlimit"};
        if (!walked) std::cerr << walked.error().text() << "\n";
        ::_exit(walked && directories_ == levels + 1 ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    // remove_all() has a descriptor for each level.
    while (fs::exists(top_ / "d/d")) {
        move("d/d", "e");
        fs::remove(top_ / "d");
        move("e", "d");
    }
}

// What ".." would decide: the directories that the walk is in are somewhere else when it comes back.
TEST_F(TreeWalk, GoesOnWhereItWasWhenDirectoriesAreMovedAway) {
    make("b/elsewhere");
    auto deepest = make_chain(300);
    make(deepest + "/last/file");
    const auto last = inode_of(open(deepest + "/last"));
    bool moved = false;
    ASSERT_TRUE(walk([&](const Fd& directory) {
        if (moved || inode_of(directory) != last) return;
        moved = true;
        move("a/d/d/d", "b/moved");  // levels that are known by handles
        move(deepest.replace(0, 7, "b/moved"), "b/held");
    }));
    // Where they are now may be looked at once more.
    for (int level = 0; level < 300; ++level)
        EXPECT_GE(files_.count("file" + std::to_string(level)), 2u) << level;
}

TEST_F(TreeWalk, LeavesOutWhatIsRemovedWhileItIsThere) {
    const auto deepest = make_chain(300);
    make("z/behind");
    fs::create_directory(top_ / deepest / "last");
    const auto last = inode_of(open(deepest + "/last"));
    ASSERT_TRUE(walk([&](const Fd& directory) {
        if (inode_of(directory) != last) return;
        fs::remove_all(top_ / "a");
    }));
    EXPECT_EQ(files_.count("behind"), 1u);
}

TEST_F(TreeWalk, FollowsNoLinkThatTakesADirectorysPlace) {
    make("outside/file");
    make("tree/a/b/inside");
    fs::create_directory(top_ / "tree/z");
    const auto a = inode_of(open("tree/a"));
    spared_ = "outside";
    ASSERT_TRUE(walk([&](const Fd& directory) {
        if (inode_of(directory) != a) return;
        move("tree/a/b", "tree/was");
        fs::create_directory_symlink(top_ / "outside", top_ / "tree/a/b");
    }));
    EXPECT_EQ(files_.count("file"), 0u);
}

// An NFS client's delegation is one. Fails when it is opened without waiting alone (EAGAIN).
TEST_F(TreeWalk, WaitsForALeaseToBeGivenBack) {
    make("leased");
    sigset_t asked;
    ::sigemptyset(&asked);
    ::sigaddset(&asked, SIGIO);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &asked, nullptr), 0);
    const Fd held(::open((top_ / "leased").c_str(), O_RDWR | O_CLOEXEC));
    if (::fcntl(held.get(), F_SETLEASE, F_WRLCK) != 0) GTEST_SKIP() << "no leases on this filesystem";
    std::thread holder([&] {
        int signal = 0;
        ::sigwait(&asked, &signal);
        ::fcntl(held.get(), F_SETLEASE, F_UNLCK);
    });
    const auto walked = walk();
    ::kill(::getpid(), SIGIO);  // if nobody has asked
    holder.join();
    EXPECT_TRUE(walked) << walked.error().text();
    EXPECT_EQ(files_.count("leased"), 1u);
}

// Fails when a socket's ENXIO ends it, or a FIFO is shown as a file.
TEST_F(TreeWalk, LeavesOutWhatBecomesAFifoOrASocketMeanwhile) {
    constexpr int names = 40;
    const auto name = [this](const char* kind, int i) {
        return (top_ / (kind + std::to_string(i))).string();
    };
    for (int i = 0; i < names; ++i) {
        make("file" + std::to_string(i));
        ASSERT_EQ(::mknod(name("other", i).c_str(), (i % 2 ? S_IFIFO : S_IFSOCK) | 0600, 0), 0);
    }
    const auto swap = [&] {
        for (int i = 0; i < names; ++i)
            ::renameat2(AT_FDCWD, name("file", i).c_str(), AT_FDCWD, name("other", i).c_str(),
                        RENAME_EXCHANGE);
    };
    // Behind the names, before the files: the walk reads both in one go, so the moment is chosen by chance.
    std::atomic<bool> over = false;
    std::thread member([&] {
        while (!over)
            swap();
    });
    for (int round = 0; round < 200; ++round) {
        const auto walked = walk();
        EXPECT_TRUE(walked) << walked.error().text();
        if (!walked) break;
    }
    over = true;
    member.join();
}

}  // namespace
}  // namespace stowage::storage
