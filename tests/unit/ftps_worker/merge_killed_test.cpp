// A worker killed at each step of a merge: the next one makes it as if it had never begun, or as if it had
// ended. Runs in: tests only.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <functional>
#include <set>

#include "ftps/worker/merge_record.hpp"
#include "ftps/worker/unpack_stage.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::uint64_t, 7> changes = {SYS_linkat,  SYS_renameat, SYS_renameat2, SYS_unlinkat,
                                                  SYS_mkdirat, SYS_openat,   SYS_write};
constexpr int before_work = 3;

bool is_change(pid_t child) {
    __ptrace_syscall_info call{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof call, &call) < 0) return false;
    return call.op == PTRACE_SYSCALL_INFO_ENTRY &&
           std::find(changes.begin(), changes.end(), call.entry.nr) != changes.end();
}

/// Runs `prepare` and `work` in a child, and kills it before the `count`-th change that `work` makes to the
/// filesystem; false if it made fewer.
bool killed_before(unsigned count, const std::function<void()>& prepare, const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        prepare();
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(before_work);
        (void)::raise(SIGSTOP);
        work();
        ::_exit(0);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) throw std::runtime_error("ptrace");
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (unsigned seen = 0;;) {
        ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
        if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid");
        if (!WIFSTOPPED(status)) return false;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80) || !is_change(child) || ++seen < count) continue;
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return true;
    }
}

}  // namespace

class KilledMergeTest : public testing::Test {
  protected:
    fs::path lab() const { return folder.lab; }
    std::string read(const std::string& path) const { return folder.read("lab/" + path); }
    void write(const fs::path& path, const std::string& bytes) const { folder.write(path, bytes); }
    std::size_t staged() const {
        const fs::directory_iterator all(lab() / ".stowage/partials");
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }

    /// Where the archive is unpacked; there may be partials beside it.
    fs::path place() const {
        for (const auto& entry : fs::directory_iterator(lab() / ".stowage/partials"))
            if (entry.path().filename().string().starts_with("unpack.")) return entry.path();
        return {};
    }
    bool was_taken_back() const { return fs::exists(place() / "taking-back"); }

    /// As it is before: "data" with some old files, and with `fails` a directory that cannot be merged.
    void pod_has_data() const {
        for (const auto& entry : fs::directory_iterator(lab()))
            if (entry.path().filename() != ".stowage") fs::remove_all(entry);
        for (const auto* name : {"a", "b", "c", "d/both", "d/e/both", "z/own"})
            write(lab() / "data" / name, "old");
        if (fails) fs::create_directories(lab() / "data/z/dir");
        wait_for_the_clock();
    }
    /// What is made from now on bears a later time.
    void wait_for_the_clock() const {
        struct stat last {
        }, now{};
        ASSERT_EQ(::stat((lab() / "data/z/own").c_str(), &last), 0);
        do {
            write(folder.base / "clock", "x");
            ASSERT_EQ(::stat((folder.base / "clock").c_str(), &now), 0);
        } while (now.st_mtim.tv_sec == last.st_mtim.tv_sec && now.st_mtim.tv_nsec == last.st_mtim.tv_nsec);
    }
    bool merge_is_killed_before(unsigned count) {
        std::optional<UnpackStage> stage;
        const auto prepare = [&] {
            stage.emplace(or_throw(UnpackStage::make(files)));
            const auto tree = place() / "tree";
            for (const auto* name : {"a", "b", "c", "d/both", "d/e/both", "d/e/new", "new", "n/m"})
                write(tree / name, "new");
            if (fails) write(tree / "z/dir", "new");
        };
        const auto work = [&] {
            LedgerShare share(files.ledger());
            (void)stage->publish(files, partials, "/data", Durability::none, aborted, share);
            stage.reset();
        };
        return killed_before(count, prepare, work);
    }
    /// What the files hold, by name; without those whose merge must fail.
    std::set<std::string> contents() const {
        std::set<std::string> all;
        for (const auto& entry : fs::recursive_directory_iterator(lab() / "data"))
            if (entry.is_regular_file() && entry.path().filename() != "own")
                all.insert(fs::relative(entry, lab() / "data").string() + ":" +
                           read(fs::relative(entry, lab()).string()));
        return all;
    }
    void expect_all_or_nothing(unsigned count) {
        const std::set<std::string> before = {"a:old", "b:old", "c:old", "d/both:old", "d/e/both:old"},
                                    after = {"a:new",        "b:new",       "c:new",   "d/both:new",
                                             "d/e/both:new", "d/e/new:new", "new:new", "n/m:new"};
        const auto found = contents();
        EXPECT_TRUE(found == before || found == after)
            << "killed before change " << count << ": " << testing::PrintToString(found);
        (found == before ? taken_back : finished) = true;
        EXPECT_EQ(read("data/z/own"), "old");
        EXPECT_EQ(staged(), 0u);
    }
    /// A merge into what `prepare` leaves, killed before its first change, its second and so on until one
    /// ends by itself; each is made all or nothing, and `look` is called behind it.
    void kill_before_each_change(const std::function<void()>& prepare,
                                 const std::function<void(bool was_turned)>& look) {
        bool killed = true;
        for (unsigned count = 1; killed && !HasFailure(); ++count) {
            ASSERT_LT(count, 1000u);
            prepare();
            killed = merge_is_killed_before(count);
            const bool turned = was_taken_back();
            (void)UnpackStage::remove_leftovers(files, partials);
            expect_all_or_nothing(count);
            look(turned);
        }
    }

    Folder folder;
    LabFiles files{folder.root(), ""};
    Partials partials{files};
    std::atomic<bool> aborted{false};
    bool fails = false;
    bool taken_back = false, finished = false;
};

// Without finish_merge_of() half of the files are new and half old.
TEST_F(KilledMergeTest, IsAsIfItHadNotBegunOrAsIfItHadEnded) {
    kill_before_each_change([&] { pod_has_data(); },
                            [&](bool) { EXPECT_FALSE(fs::exists(lab() / "not-restored.1")); });
    EXPECT_TRUE(taken_back && finished);
}

// Some of what was replaced may be a pod's then, so it is kept.
TEST_F(KilledMergeTest, WhileItWasTakenBackToo) {
    fails = true;
    kill_before_each_change([&] { pod_has_data(); },
                            [&](bool was_turned) {
                                EXPECT_TRUE(fs::is_directory(lab() / "data/z/dir"));
                                EXPECT_EQ(fs::exists(lab() / "not-restored.1"), was_turned);
                                for (const auto* name : {"a", "b", "c", "d/both", "d/e/both"})
                                    EXPECT_EQ(read("not-restored.1/" + std::string(name)),
                                              was_turned ? "old" : "(missing)");
                            });
    EXPECT_TRUE(taken_back && finished);
}

TEST_F(KilledMergeTest, WhoeverFinishesItMayBeKilledToo) {
    for (unsigned first = 1;; first += 7) {
        for (unsigned second = 1;; second += 3) {
            pod_has_data();
            if (!merge_is_killed_before(first)) return;
            const bool killed = killed_before(
                second, [] {}, [&] { (void)UnpackStage::remove_leftovers(files, partials); });
            (void)UnpackStage::remove_leftovers(files, partials);
            expect_all_or_nothing(first);
            EXPECT_FALSE(fs::exists(lab() / "not-restored.1"));
            if (HasFailure()) return;
            if (!killed) break;
        }
        ASSERT_LT(first, 1000u);
    }
}

// Without the look at the times (MergeTraces::look()) what the pod has written meanwhile is gone.
TEST_F(KilledMergeTest, WhatPodsWroteSinceIsNewer) {
    for (const bool failing : {false, true}) {
        fails = failing;
        for (unsigned count = 1;; count += 3) {
            pod_has_data();
            if (!merge_is_killed_before(count)) break;
            wait_for_the_clock();
            // As editors do it, and as `>` does.
            write(lab() / "data/tmp", "a pod's");
            fs::rename(lab() / "data/tmp", lab() / "data/b");
            write(lab() / "data/c", "a pod's");
            write(lab() / "data/new", "a pod's");
            // As `cp -p` and `rsync -a` do it, and conda with a cache: only the ctime tells.
            write(lab() / "data/tmp", "a pod's");
            fs::last_write_time(lab() / "data/tmp", fs::last_write_time(lab() / "data/z/own"));
            fs::create_hard_link(lab() / "data/tmp", lab() / "cache");
            fs::rename(lab() / "data/tmp", lab() / "data/a");
            (void)UnpackStage::remove_leftovers(files, partials);
            for (const auto* name : {"data/b", "data/c", "data/new"})
                EXPECT_EQ(read(name), "a pod's") << name << ", killed before change " << count;
            EXPECT_TRUE(read("data/a") == "a pod's" || (failing && read("not-restored.1/a") == "a pod's"))
                << "killed before change " << count;
            EXPECT_EQ(staged(), 0u);
            if (HasFailure()) return;
        }
    }
}

TEST_F(KilledMergeTest, WhoseTargetIsGoneKeepsWhatItReplaced) {
    // In its place nothing, another directory, or a link to one.
    for (const auto* another : {"", "directory", "link"}) {
        for (unsigned count = 1;; ++count) {
            pod_has_data();
            if (!merge_is_killed_before(count)) FAIL() << "no kill came behind a replaced file";
            const auto a = read("data/a"), b = read("data/b");
            fs::rename(lab() / "data", lab() / "moved");
            fs::create_directory(lab() / "other");
            if (another == std::string("directory")) fs::create_directory(lab() / "data");
            if (another == std::string("link")) fs::create_directory_symlink("other", lab() / "data");
            (void)UnpackStage::remove_leftovers(files, partials);
            EXPECT_EQ(staged(), 0u);
            EXPECT_TRUE(fs::is_empty(lab() / "other"));
            EXPECT_TRUE(!*another || fs::is_empty(lab() / "data")) << another << ", change " << count;
            if (HasFailure()) return;
            if (a != "new" && b != "new") continue;
            for (const auto* name : {"a", "b"})
                if (read("moved/" + std::string(name)) == "new") {
                    EXPECT_EQ(read("not-restored.1/" + std::string(name)), "old");
                }
            break;
        }
    }
}

// ext4 gives the number of a removed inode to the next one; on a filesystem that does not, this proves
// nothing.
TEST_F(KilledMergeTest, IsNotFinishedIntoADirectoryWithTheSameInodeNumber) {
    for (unsigned count = 1;; count += 3) {
        pod_has_data();
        if (!merge_is_killed_before(count)) return;
        if (!fs::exists(place() / "merging")) continue;
        fs::remove_all(lab() / "data");
        fs::create_directory(lab() / "data");
        (void)UnpackStage::remove_leftovers(files, partials);
        ASSERT_TRUE(fs::is_empty(lab() / "data")) << "killed before change " << count;
    }
}

// The directory itself may have another way to it by then.
TEST_F(KilledMergeTest, IsFinishedThroughALinkToItsTargetToo) {
    for (unsigned count = 1;; ++count) {
        pod_has_data();
        if (!merge_is_killed_before(count)) FAIL() << "no kill came behind a replaced file";
        const bool began = read("data/a") == "new";
        fs::rename(lab() / "data", lab() / "moved");
        fs::create_directory_symlink("moved", lab() / "data");
        (void)UnpackStage::remove_leftovers(files, partials);
        if (!began) continue;
        for (const auto* name : {"a", "b", "c", "d/both", "d/e/both", "n/m"})
            EXPECT_EQ(read("moved/" + std::string(name)), "new");
        EXPECT_EQ(staged(), 0u);
        return;
    }
}

// As conda and pnpm make them: what replaces one moves the ctime of the others.
TEST_F(KilledMergeTest, NamesOfOneFileAreFinishedLikeOthers) {
    const auto prepare = [&] {
        pod_has_data();
        for (const auto* name : {"b", "d/both"}) {
            fs::remove(lab() / "data" / name);
            fs::create_hard_link(lab() / "data/a", lab() / "data" / name);
        }
        wait_for_the_clock();
    };
    kill_before_each_change(prepare, [&](bool) { EXPECT_FALSE(fs::exists(lab() / "not-restored.1")); });
    EXPECT_TRUE(finished);
}

// What the killed one had moved, too.
TEST_F(KilledMergeTest, WhatItMovedSupersedesUnfinishedUploads) {
    const std::string paths[] = {"/data/a", "/data/c", "/data/d/both", "/data/d/e/new", "/data/z/own"};
    for (unsigned count = 1;; ++count) {
        pod_has_data();
        for (const auto& path : paths) {
            const auto claim = or_throw(partials.claim(path, "ann"));
            const auto file = or_throw(partials.open(claim, {}));
            ASSERT_EQ(::write(file.get(), "half", 4), 4);
        }
        if (!merge_is_killed_before(count)) break;
        (void)UnpackStage::remove_leftovers(files, partials);
        for (const auto& path : paths)
            EXPECT_EQ(partials.stat(path).has_value(), read(path) != "new")
                << path << ", killed before change " << count;
        if (HasFailure()) return;
        ASSERT_LT(count, 1000u);
    }
}

TEST_F(KilledMergeTest, ForgedRecordsLeadNowhere) {
    fs::create_directory(folder.base / "outside");
    ASSERT_TRUE(files.open_staging());
    const auto place = lab() / ".stowage/partials/unpack.1.1";
    const auto record_of = [&](const char* directory, const std::string& target) {
        const Fd open(::open((folder.base / directory).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const auto which = which_directory(open.get()).value();
        return fmt::format("{} {} {}", which.inode, which.made, target);
    };
    for (const std::string& record :
         {std::string("/"), std::string("1/"), std::string("1 /"), std::string("1 1"), std::string("1 1/"),
          std::string("-1 1 /"), std::string(" /"), std::string("1  /"),
          std::string("99999999999999999999999 /")}) {
        write(place / "tree/x", "1");
        fs::create_directory(place / "replaced");
        write(place / "merging", record);
        EXPECT_EQ(UnpackStage::remove_leftovers(files, partials), 1u) << record;
    }
    for (const std::string& target : {std::string("/../outside"), std::string("/.stowage"), std::string("x"),
                                      std::string(), std::string(5000, '/'), std::string("/a\0b", 4)}) {
        write(place / "tree/x", "1");
        fs::create_directory(place / "replaced");
        write(place / "merging", record_of(target == "/.stowage" ? "lab/.stowage" : "outside", target));
        EXPECT_EQ(UnpackStage::remove_leftovers(files, partials), 1u) << target.substr(0, 20);
    }
    write(place / "tree/.stowage/lab", "1");
    fs::create_directory(place / "replaced");
    write(place / "merging", record_of("lab", "/"));
    EXPECT_EQ(UnpackStage::remove_leftovers(files, partials), 1u);
    EXPECT_TRUE(fs::is_empty(folder.base / "outside"));
    EXPECT_FALSE(fs::exists(lab() / ".stowage/x") || fs::exists(lab() / ".stowage/lab"));
    EXPECT_FALSE(fs::exists(lab() / "x"));
    fs::create_symlink("/etc/hostname", place.parent_path() / "unpack.2.2");
    EXPECT_EQ(UnpackStage::remove_leftovers(files, partials), 1u);
}

}  // namespace stowage::ftps
