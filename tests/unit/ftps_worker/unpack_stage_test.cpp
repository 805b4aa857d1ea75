// Where archives are unpacked, how that gets under its name, and what stays when it does not.
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "ftps/worker/merge_tree.hpp"
#include "ftps/worker/remove_tree.hpp"
#include "ftps/worker/unpack_stage.hpp"
#include "tests/support/sanitized.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

namespace {

/// Leaves this process as many bytes of memory, in one piece.
void leave_memory(std::size_t bytes) {
    constexpr std::size_t block = 4096;
    const rlimit none{1, RLIM_INFINITY};
    (void)::setrlimit(RLIMIT_DATA, &none);
    std::vector<void*> taken;
    taken.reserve(1000);
    for (std::size_t small = block; small >= 16; small /= 2)
        while (void* more = std::malloc(small))
            if (small == block && taken.size() < bytes / block) taken.push_back(more);
    for (void* each : taken)
        std::free(each);
}

}  // namespace

class Stage : public testing::Test {
  protected:
    fs::path lab() const { return folder.lab; }
    std::string read(const std::string& path) const { return folder.read("lab/" + path); }
    void write(const std::string& path, const std::string& bytes) const {
        folder.write("lab/" + path, bytes);
    }
    fs::path top() const {
        for (const auto& entry : fs::directory_iterator(lab() / ".stowage/partials"))
            if (entry.path().filename().string().starts_with("unpack.")) return entry.path();
        return {};
    }
    fs::path place() const { return top() / "tree"; }
    std::size_t staged() const {
        const fs::directory_iterator all(lab() / ".stowage/partials");
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }
    Result<void> publish(UnpackStage stage, const std::string& target,
                         Durability durability = Durability::full) {
        LedgerShare share(files.ledger());
        return stage.publish(files, partials, target, durability, aborted, share);
    }
    UnpackStage staged_with(const std::string& path, const std::string& bytes) {
        auto stage = or_throw(UnpackStage::make(files));
        write(fs::relative(place() / path, lab()).string(), bytes);
        return stage;
    }
    /// A pod moves a directory away in the middle of a merge that fails then: the error.
    std::string merge_that_a_pod_comes_between() {
        for (int attempt = 1; attempt <= 20; ++attempt) {
            fs::remove_all(lab() / "data");
            fs::remove_all(lab() / "moved");
            auto stage = or_throw(UnpackStage::make(files));
            const auto staged_d = place() / "d";
            // Merged behind d, where it fails.
            fs::create_directories(lab() / "data/d/sub/file");
            fs::create_directories(staged_d / "sub");
            write(fs::relative(staged_d / "sub/file", lab()).string(), "new");
            for (int i = 0; i < names_in_d; ++i) {
                write("data/d/" + std::to_string(i), "old");
                write(fs::relative(staged_d / std::to_string(i), lab()).string(), "new");
            }
            const Fd notices(::inotify_init1(IN_CLOEXEC));
            EXPECT_GE(::inotify_add_watch(notices.get(), (lab() / "data/d").c_str(), IN_MOVED_TO), 0);
            std::thread pod([this, &notices] {
                std::array<char, 4096> notice{};
                (void)!::read(notices.get(), notice.data(), notice.size());
                fs::rename(lab() / "data/d", lab() / "moved");
            });
            const auto refused = publish(std::move(stage), "/data", Durability::none);
            pod.join();
            if (refused) return "(it did not fail)";
            if (refused.error().code == Code::exists) continue;  // the pod came late
            EXPECT_EQ(refused.error().code, Code::io);
            return refused.error().text();
        }
        return "(no merge was long enough for the pod to come in between)";
    }

    static constexpr int names_in_d = 200;
    Folder folder;
    LabFiles files{folder.root(), "/mnt/nfs"};
    Partials partials{files};
    std::atomic<bool> aborted{false};
};

TEST_F(Stage, ANewDirectoryAppearsWhole) {
    ASSERT_TRUE(publish(staged_with("d/x", "1"), "/data"));
    EXPECT_EQ(read("data/d/x"), "1");
    EXPECT_EQ(staged(), 0u);
    struct stat seen {};
    ASSERT_EQ(::stat((lab() / "data").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 02770u);
}

TEST_F(Stage, AnEmptyDirectoryIsReplaced) {
    fs::create_directory(lab() / "data");
    ASSERT_TRUE(publish(staged_with("x", "1"), "/data"));
    EXPECT_EQ(read("data/x"), "1");
}

TEST_F(Stage, WhatIsThereAlreadyIsMergedWith) {
    write("data/d/old", "old");
    write("data/d/both", "old");
    auto stage = staged_with("d/new", "new");
    write(fs::relative(place() / "d/both", lab()).string(), "new");
    write(fs::relative(place() / "e/f/g", lab()).string(), "new");
    ASSERT_TRUE(publish(std::move(stage), "/data"));
    EXPECT_EQ(read("data/d/old"), "old");
    EXPECT_EQ(read("data/d/new") + read("data/d/both") + read("data/e/f/g"), "newnewnew");
    EXPECT_EQ(staged(), 0u);
}

TEST_F(Stage, TheRootOfTheLabToo) {
    write("other", "stays");
    ASSERT_TRUE(publish(staged_with("d/x", "1"), "/"));
    EXPECT_EQ(read("d/x") + read("other"), "1stays");
    auto stage = staged_with(".stowage/partials/y", "1");
    const auto refused = publish(std::move(stage), "/");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::denied);
    EXPECT_EQ(staged(), 0u);
}

// What was left of an upload hid the archive's complete file over FTPS.
TEST_F(Stage, WhatComesWholeSupersedesUnfinishedUploads) {
    fs::create_directory(lab() / "data");
    for (const auto* name : {"/data/x", "/data/other"}) {
        auto claim = or_throw(partials.claim(name, "alice"));
        const auto half = or_throw(partials.open(claim, {}));
        ASSERT_EQ(::write(half.get(), "half", 4), 4);
    }
    ASSERT_TRUE(publish(staged_with("x", "complete"), "/data"));
    EXPECT_EQ(read("data/x"), "complete");
    EXPECT_FALSE(partials.stat("/data/x"));
    EXPECT_TRUE(partials.stat("/data/other"));
}

// Fails without Merge::take_back().
TEST_F(Stage, AMergeThatCannotBeFinishedIsTakenBack) {
    for (const auto* name : {"a", "b", "c", "d"})
        write("data/" + std::string(name), "old");
    fs::create_directories(lab() / "data/z/dir");
    auto stage = staged_with("a", "new");
    for (const auto* name : {"b", "c", "d", "new", "z/dir", "z/n/m"})
        write(fs::relative(place() / name, lab()).string(), "new");
    const auto refused = publish(std::move(stage), "/data");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::exists);
    EXPECT_NE(refused.error().what.find("z/dir"), std::string::npos) << refused.error().what;
    EXPECT_EQ(read("data/a") + read("data/b") + read("data/c") + read("data/d"), "oldoldoldold");
    EXPECT_FALSE(fs::exists(lab() / "data/new"));
    EXPECT_FALSE(fs::exists(lab() / "data/z/n"));
    EXPECT_EQ(staged(), 0u);
}

TEST_F(Stage, WhatCannotBeTakenBackIsKeptAndNamed) {
    const auto text = merge_that_a_pod_comes_between();
    ASSERT_NE(text.find("/not-restored.1"), std::string::npos) << text;
    for (int i = 0; i < names_in_d; ++i) {
        const auto name = std::to_string(i);
        const bool put_back = read("moved/" + name) == "old";
        EXPECT_EQ(read("not-restored.1/d/" + name) == "old", !put_back) << name;
    }
    EXPECT_EQ(staged(), 0u);
}

// Without keep_merge_record() the sweep finishes that merge, and removes what it replaced.
TEST_F(Stage, WhatCannotBeKeptElsewhereStaysUntilItCan) {
    ASSERT_TRUE(files.open_staging());
    for (const auto* where : {"", ".stowage/partials"})
        for (int i = 1; i <= 100; ++i)
            fs::create_directories(lab() / where / ("not-restored." + std::to_string(i)));
    const auto text = merge_that_a_pod_comes_between();
    const auto place = top();
    ASSERT_FALSE(place.empty()) << text;
    ASSERT_NE(text.find("/.stowage/partials/" + place.filename().string() + "/replaced"), std::string::npos)
        << text;
    const auto expect_in = [this](const fs::path& kept) {
        for (int i = 0; i < names_in_d; ++i) {
            const auto name = std::to_string(i);
            const bool put_back = read("moved/" + name) == "old";
            EXPECT_EQ(read((fs::relative(kept, lab()) / "d" / name).string()) == "old", !put_back) << name;
        }
    };
    EXPECT_EQ(UnpackStage::remove_leftovers(files, partials), 0u);
    expect_in(place / "replaced");
    fs::remove_all(place / "tree");  // as pods may
    EXPECT_EQ(UnpackStage::remove_leftovers(files, partials), 0u);
    expect_in(place / "replaced");
    EXPECT_FALSE(fs::exists(lab() / "data/d"));
    fs::remove(lab() / "not-restored.7");
    EXPECT_EQ(UnpackStage::remove_leftovers(files, partials), 1u);
    expect_in(lab() / "not-restored.7");
    EXPECT_FALSE(fs::exists(lab() / "data/d"));
}

// A child: the limit stays with it.
TEST_F(Stage, AMergeThatMemoryDoesNotSufficeForIsTakenBack) {
    if (is_sanitized) GTEST_SKIP() << "sanitizers take more memory than any limit leaves";
    constexpr int directories = 6, names = 50;
    const auto name = [](int directory, int i) {
        return "d" + std::to_string(directory) + "/" + std::string(240, 'n') + std::to_string(i);
    };
    auto stage = or_throw(UnpackStage::make(files));
    for (int directory = 0; directory < directories; ++directory)
        for (int i = 0; i < names; ++i) {
            write("data/" + name(directory, i), "old");
            write(fs::relative(place() / name(directory, i), lab()).string(), "new");
        }
    const pid_t child = ::fork();
    if (child == 0) {
        leave_memory(80 * 1024);  // 32 are the buffer of readdir(3)
        const auto refused = publish(std::move(stage), "/data", Durability::none);
        ::_exit(!refused && refused.error().code == Code::unavailable ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    for (int directory = 0; directory < directories; ++directory)
        for (int i = 0; i < names; ++i)
            ASSERT_EQ(read("data/" + name(directory, i)), "old");
    fs::remove_all(top());
}

TEST_F(Stage, NoLinkInTheTargetIsFollowed) {
    write("elsewhere/keep", "old");
    fs::create_directory(lab() / "data");
    fs::create_directory_symlink("../elsewhere", lab() / "data/d");
    const auto refused = publish(staged_with("d/keep", "new"), "/data");
    ASSERT_FALSE(refused);
    EXPECT_EQ(read("elsewhere/keep"), "old");
    // The target itself may be one, as long as it leads to a place in the lab.
    fs::create_directory_symlink("elsewhere", lab() / "link");
    EXPECT_TRUE(publish(staged_with("keep", "new"), "/link"));
    EXPECT_EQ(read("elsewhere/keep"), "new");
    fs::create_directory(folder.base / "outside");
    fs::create_directory_symlink("../outside", lab() / "out");
    EXPECT_FALSE(publish(staged_with("x", "new"), "/out"));
    EXPECT_TRUE(fs::is_empty(folder.base / "outside"));
}

TEST_F(Stage, RefusesBeforeTheWorkWhatCannotBePublished) {
    write("file", "x");
    EXPECT_EQ(UnpackStage::check(files, "/file").error().code, Code::exists);
    EXPECT_EQ(UnpackStage::check(files, "/missing/data").error().code, Code::not_found);
    EXPECT_TRUE(UnpackStage::check(files, "/data"));
    EXPECT_TRUE(UnpackStage::check(files, "/"));
    EXPECT_FALSE(publish(staged_with("x", "1"), "/file"));
    EXPECT_EQ(read("file"), "x");
}

TEST_F(Stage, NothingIsPublishedOnceAborted) {
    aborted = true;
    const auto refused = publish(staged_with("x", "1"), "/data");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::cancelled);
    EXPECT_FALSE(fs::exists(lab() / "data"));
    EXPECT_EQ(staged(), 0u);
}

// Fails when remove_leftovers() does not look for a lock.
TEST_F(Stage, LeftoversGoAndLivingOnesStay) {
    const auto living = staged_with("x", "1");
    fs::create_directories(lab() / ".stowage/partials/unpack.1.1/a/b");
    write(".stowage/partials/unpack.1.1/a/b/c", "1");
    write(".stowage/partials/an-upload", "1");
    fs::create_symlink("/etc", lab() / ".stowage/partials/unpack.link");
    EXPECT_EQ(UnpackStage::remove_leftovers(files, partials), 2u);
    EXPECT_EQ(staged(), 2u);
    EXPECT_TRUE(fs::exists("/etc"));
    EXPECT_EQ(read(".stowage/partials/an-upload"), "1");
}

// What cannot be opened cannot be asked for its lock.
TEST_F(Stage, ALivingOneWhoseRightsAPodTookStays) {
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(folder.base.c_str(), 47001, 47001), 0);
        ASSERT_EQ(::chown(lab().c_str(), 47001, 47001), 0);
        ASSERT_EQ(::seteuid(47001), 0);
    }
    {
        const auto living = or_throw(UnpackStage::make(files));
        const auto where = top();
        write(fs::relative(where / "x", lab()).string(), "1");
        fs::permissions(where, fs::perms::none);
        EXPECT_EQ(UnpackStage::remove_leftovers(files, partials), 0u);
        EXPECT_EQ(staged(), 1u);
        fs::permissions(where, fs::perms::owner_all);
        EXPECT_TRUE(fs::exists(where / "x"));
    }
    EXPECT_EQ(staged(), 0u);
    ASSERT_EQ(::seteuid(::getuid()), 0);
}

TEST_F(Stage, TreesOfAnyDepthAndShapeAreRemoved) {
    Fd at(::open(lab().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (int depth = 0; depth < 600; ++depth) {
        ASSERT_EQ(::mkdirat(at.get(), "deep", 0700), 0);
        at = Fd(::openat(at.get(), "deep", O_PATH | O_DIRECTORY | O_CLOEXEC));
        const Fd file(::openat(at.get(), "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        ASSERT_TRUE(file);
    }
    for (int i = 0; i < 30; ++i)
        write("deep/wide/" + std::to_string(i) + "/x/y", "1");
    fs::create_directory_symlink("/etc", lab() / "deep/link");
    fs::permissions(lab() / "deep/wide/7", fs::perms::none);
    write("beside", "1");
    const Fd top(::open(lab().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(remove_tree(top.get(), "deep"));
    EXPECT_FALSE(fs::exists(lab() / "deep"));
    EXPECT_EQ(read("beside"), "1");
    EXPECT_TRUE(remove_tree(top.get(), "deep"));
}

}  // namespace stowage::ftps
