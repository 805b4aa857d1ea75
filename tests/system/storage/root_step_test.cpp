// Promises of stowage-root-step: what it does, what it refuses, and that it may die at any point.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "gateway/base/atomic_file.hpp"
#include "provisioning/storage/marker.hpp"
#include "tests/system/storage/root_step_rig.hpp"

namespace stowage::storage {
namespace {

namespace fs = std::filesystem;
using message::Step;

constexpr std::uint64_t mebibyte = 1 << 20;

class RootStep : public RootStepRig {
  protected:
    message::StepRequest quota_request(std::uint64_t bytes, const std::string& lab = "lab1") const {
        auto asked = request(Step::set_quota, lab);
        asked.quota_bytes = bytes;
        if (by_project()) asked.project_id = lab_uid;
        return asked;
    }
    void expect_refused(const message::StepRequest& asked, Code code) const {
        const auto done = perform(asked);
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, code) << done.error().text();
    }
    void expect_whole(const std::string& lab) const {
        const auto seen = perform(Step::observe_lab, lab);
        ASSERT_TRUE(seen) << seen.error().text();
        EXPECT_TRUE(seen->directory_exists && seen->marked && seen->mounted && seen->empty);
        EXPECT_TRUE(seen->uid == lab_uid && seen->gid == lab_uid && seen->mode == 02770);
        struct stat folder {};
        ASSERT_EQ(::stat(in_lab(".stowage", lab).c_str(), &folder), 0);
        EXPECT_TRUE(folder.st_uid == 0 && folder.st_gid == 0 && (folder.st_mode & 07777) == 0755);
        struct stat partials {};
        ASSERT_EQ(::stat(in_lab(".stowage/partials", lab).c_str(), &partials), 0);
        EXPECT_TRUE(partials.st_uid == lab_uid && (partials.st_mode & 07777) == 0700);
        EXPECT_EQ(names(in_lab(".stowage", lab)), (std::set<std::string>{"lab", "partials"}));
    }
    static std::set<std::string> names(const std::string& directory) {
        std::set<std::string> found;
        for (const auto& entry : fs::directory_iterator(directory))
            found.insert(entry.path().filename().string());
        return found;
    }
    std::set<std::string> labs() const {
        auto found = names(root_);
        found.erase(root_marker);
        return found;
    }
    /// Status-change times of everything in a lab: any write to it shows here.
    std::string traces(const std::string& lab = "lab1") const {
        std::string text;
        for (const auto* name : {"", ".stowage", ".stowage/lab", ".stowage/partials"}) {
            struct stat info {};
            ::stat(in_lab(name, lab).c_str(), &info);
            text += std::to_string(info.st_ino) + ":" + std::to_string(info.st_ctim.tv_sec) + "." +
                    std::to_string(info.st_ctim.tv_nsec) + " ";
        }
        return text;
    }
};

TEST_P(RootStep, MakesALabAndDoingItAgainWritesNothing) {
    EXPECT_FALSE(perform(Step::observe_lab)->directory_exists);
    ASSERT_TRUE(perform(Step::make_directory));
    expect_whole("lab1");
    ASSERT_TRUE(perform(quota_request(64 * mebibyte)));
    const auto before = traces();
    ASSERT_TRUE(perform(Step::make_directory));
    ASSERT_TRUE(perform(quota_request(64 * mebibyte)));
    EXPECT_EQ(traces(), before);
    const auto seen = perform(Step::observe_lab);
    ASSERT_TRUE(seen) << seen.error().text();
    EXPECT_EQ(seen->quota_backend == message::QuotaBackend::none, on("tmpfs"));
    EXPECT_GT(seen->quota_why.size, 0);
    EXPECT_EQ(seen->quota_bytes, on("tmpfs") ? 0 : 64 * mebibyte);
    EXPECT_EQ(labs(), std::set<std::string>{"lab1"});
}

TEST_P(RootStep, RequestsThatBreakTheRulesAreRefusedAndNothingIsMade) {
    for (const auto* name : {"", "..", "a/b", ".stowage", "Lab", "lab-", "1lab"})
        expect_refused(request(Step::make_directory, name), Code::protocol);
    auto asked = request(Step::make_directory);
    asked.uid = asked.gid = 0;
    expect_refused(asked, Code::protocol);
    asked.uid = asked.gid = 33;
    expect_refused(asked, Code::protocol);
    asked.uid = lab_uid;
    expect_refused(asked, Code::protocol);
    asked = request(Step::make_directory);
    asked.user.assign_cut("alice");
    expect_refused(asked, Code::protocol);
    asked = request(Step::set_quota);
    for (const std::uint32_t project : {1u, lab_uid - 1, lab_uid + 1}) {
        asked.project_id = project;
        expect_refused(asked, Code::protocol);  // it is somebody else's
    }
    asked = request(Step::make_directory);
    asked.project_id = lab_uid;
    expect_refused(asked, Code::protocol);
    asked = request(static_cast<Step>(99));
    expect_refused(asked, Code::protocol);
    asked = password_request(Step::set_password, "alice");
    for (const auto* hash : {"", "plain", "$y$a:b", "$y$a\nroot:$y$b", "$1$abcdefgh$ijk"}) {
        asked.password_hash.assign_cut(hash);
        EXPECT_FALSE(perform(asked)) << hash;
    }
    EXPECT_TRUE(labs().empty());
    EXPECT_FALSE(fs::exists(passwords_));
}

TEST_P(RootStep, AfterALookAnotherLookIsTakenAndNothingElse) {
    ASSERT_TRUE(perform(Step::make_directory));
    auto looking = start(request(Step::observe_lab, "lab2"));
    const auto first = looking.reply_and_ask(request(Step::observe_lab));
    ASSERT_TRUE(first && first->code == 0);
    EXPECT_FALSE(first->observation.directory_exists);
    const auto second = looking.reply();
    ASSERT_TRUE(second && second->code == 0);
    EXPECT_TRUE(second->observation.directory_exists);
    for (auto other : {request(Step::make_directory, "lab2"), request(Step::purge_directory),
                       password_request(Step::set_password, "alice")}) {
        auto narrowed = start(request(Step::observe_lab));
        ASSERT_TRUE(narrowed.reply_and_ask(other));
        const auto refused = narrowed.reply();
        ASSERT_TRUE(refused);
        EXPECT_EQ(static_cast<Code>(refused->code), Code::protocol);
    }
    // One that changes something is alone, and gone after it.
    auto making = start(request(Step::make_directory, "lab3"));
    (void)making.reply_and_ask(request(Step::make_directory, "lab4"));
    EXPECT_FALSE(making.reply());
    EXPECT_EQ(labs(), (std::set<std::string>{"lab1", "lab3"}));
    EXPECT_FALSE(fs::exists(passwords_));
}

TEST_P(RootStep, LinksInThePlaceOfLabOrMarkerAreNotFollowed) {
    fs::create_directory(folder_ + "/elsewhere");
    fs::create_directory_symlink(folder_ + "/elsewhere", root_ + "/lab1");
    for (const auto step : {Step::make_directory, Step::observe_lab, Step::purge_directory})
        expect_refused(request(step), Code::differs);
    fs::remove(root_ + "/lab1");
    ASSERT_TRUE(perform(Step::make_directory));
    ASSERT_EQ(as_lab([&] {
                  fs::rename(in_lab(".stowage"), in_lab("mine"));
                  fs::create_directory_symlink(folder_ + "/elsewhere", in_lab(".stowage"));
                  return 0;
              }),
              0);
    EXPECT_FALSE(perform(Step::observe_lab)->marked);
    ASSERT_TRUE(perform(Step::make_directory));
    EXPECT_TRUE(perform(Step::observe_lab)->marked);
    EXPECT_TRUE(fs::is_empty(folder_ + "/elsewhere"));
}

TEST_P(RootStep, AnotherLabsDirectoryIsNeitherTakenNorDeleted) {
    ASSERT_TRUE(perform(Step::make_directory));
    std::ofstream(in_lab("data")) << "x";
    for (const auto step : {Step::make_directory, Step::purge_directory}) {
        auto asked = request(step);
        asked.uid = asked.gid = lab_uid + 1;
        const auto done = perform(asked);
        ASSERT_FALSE(done);
        EXPECT_NE(done.error().what.find("lab1, uid 712345"), std::string::npos) << done.error().what;
    }
    EXPECT_TRUE(fs::exists(in_lab("data")));
}

TEST_P(RootStep, KilledBeforeAnyChangeOfMakingItIsWholeNextTime) {
    const auto kills = walk([&](int n) { return request(Step::make_directory, "lab" + std::to_string(n)); },
                            [&](int n) { expect_whole("lab" + std::to_string(n)); });
    EXPECT_GT(kills, 10);
    RecordProperty("kills", kills);
}

TEST_P(RootStep, KilledBeforeAnyChangeOfItsQuotaIsSetNextTime) {
    const auto kills = walk(
        [&](int n) {
            EXPECT_TRUE(perform(Step::make_directory, "lab" + std::to_string(n)));
            return quota_request(32 * mebibyte, "lab" + std::to_string(n));
        },
        [&](int n) {
            const auto seen = perform(Step::observe_lab, "lab" + std::to_string(n));
            EXPECT_EQ(seen->quota_bytes, on("tmpfs") ? 0 : 32 * mebibyte);
            EXPECT_EQ(seen->project_whole != 0, by_project());
        });
    EXPECT_GT(kills, 0);
}

TEST_P(RootStep, KilledBeforeAnyChangeOfDeletingItIsGoneNextTime) {
    ASSERT_TRUE(perform(Step::make_directory, "other"));
    const auto kills = walk(
        [&](int) {
            EXPECT_TRUE(perform(Step::make_directory));
            std::ofstream(in_lab("data")) << "x";
            fs::create_directories(in_lab("a/b/c/d"));
            std::ofstream(in_lab("a/b/c/d/deep")) << "x";
            return request(Step::purge_directory);
        },
        [&](int) { EXPECT_EQ(labs(), std::set<std::string>{"other"}); });
    EXPECT_GT(kills, 10);
    RecordProperty("kills", kills);
}

TEST_P(RootStep, WithdrawingTakesTheMountAwayAndKeepsTheFiles) {
    ASSERT_TRUE(perform(Step::make_directory));
    std::ofstream(in_lab("data")) << "x";
    // No NFS server is here: nothing is served, but a file from which one would serve the lab must go too.
    fs::create_directories(folder_ + "/exports.d");
    const auto exports_file = folder_ + "/exports.d/stowage-lab1.exports";
    std::ofstream(exports_file) << root_ + "/lab1 127.0.0.1(rw)\n";
    auto asked = request(Step::withdraw_export);
    asked.export_id = 1;
    asked.fsid[0] = 1;
    ASSERT_TRUE(perform(asked));
    EXPECT_FALSE(fs::exists(exports_file));
    EXPECT_EQ(perform(Step::observe_lab)->mounted, !on_btrfs());
    ASSERT_TRUE(perform(Step::make_directory)) << "as after a reboot";
    EXPECT_TRUE(perform(Step::observe_lab)->mounted);
    EXPECT_TRUE(fs::exists(in_lab("data")));
}

TEST_P(RootStep, LabThatIsMountedElsewhereOrHoldsAMountIsNotDeleted) {
    ASSERT_TRUE(perform(Step::make_directory));
    std::ofstream(in_lab("data")) << "x";
    fs::create_directory(folder_ + "/second");
    ASSERT_EQ(::mount((root_ + "/lab1").c_str(), (folder_ + "/second").c_str(), nullptr, MS_BIND, nullptr),
              0);
    expect_refused(request(Step::purge_directory), Code::in_use);
    ASSERT_EQ(::umount2((folder_ + "/second").c_str(), 0), 0);
    fs::create_directories(in_lab("inside"));
    fs::create_directory(folder_ + "/precious");
    std::ofstream(folder_ + "/precious/thesis.tex") << "x";
    ASSERT_EQ(::mount((folder_ + "/precious").c_str(), in_lab("inside").c_str(), nullptr, MS_BIND, nullptr),
              0);
    expect_refused(request(Step::purge_directory), Code::in_use);
    EXPECT_TRUE(fs::exists(in_lab("data")));
    ASSERT_EQ(::umount2(in_lab("inside").c_str(), 0), 0);
    ASSERT_TRUE(perform(Step::purge_directory));
    EXPECT_TRUE(fs::exists(folder_ + "/precious/thesis.tex"));
    EXPECT_TRUE(labs().empty());
}

TEST_P(RootStep, FilesystemMountedOverTheLabIsNotTheLab) {
    ASSERT_TRUE(perform(Step::make_directory));
    ASSERT_TRUE(release_directory(place()));
    ASSERT_EQ(::mount("none", (root_ + "/lab1").c_str(), "tmpfs", 0, "mode=0755"), 0);
    std::ofstream(in_lab("precious")) << "x";
    expect_refused(request(Step::make_directory), Code::exists);
    expect_refused(request(Step::purge_directory), Code::denied);
    EXPECT_TRUE(fs::exists(in_lab("precious")));
    ::umount2((root_ + "/lab1").c_str(), 0);
}

TEST_P(RootStep, OnAnEmptyMountPointNothingIsMadeOnceLabsWereMade) {
    auto asked = request(Step::make_directory);
    asked.labs_were_made = 1;
    expect_refused(asked, Code::unavailable);
    EXPECT_TRUE(names(root_).empty());
    ASSERT_TRUE(perform(Step::make_directory));
    ASSERT_TRUE(perform(asked));
    fs::remove(root_ + "/" + root_marker);
    ASSERT_TRUE(perform(asked)) << "the lab's own mark shows that it is the filesystem";
    EXPECT_TRUE(fs::exists(root_ + "/" + root_marker));
}

TEST_P(RootStep, OnlyMountingALabMendsNothingElseOfIt) {
    auto asked = request(Step::make_directory);
    asked.only_mount = 1;
    expect_refused(asked, Code::not_found);
    ASSERT_TRUE(perform(Step::make_directory));
    ASSERT_TRUE(release_directory(place()));
    fs::permissions(root_ + "/lab1", fs::perms(0777));
    ASSERT_TRUE(perform(asked));
    const auto seen = perform(Step::observe_lab);
    EXPECT_TRUE(seen->mounted && seen->mode == 0777);
    asked.uid = asked.gid = lab_uid + 1;
    expect_refused(asked, Code::differs);
    asked.step = Step::publish_export;
    expect_refused(asked, Code::protocol);
}

TEST_P(RootStep, StepsOfALabWaitForEachOther) {
    Fd lock(::open((folder_ + "/run/lab-lab1.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
    auto making = start(request(Step::make_directory));
    auto observing = start(request(Step::observe_lab));
    ASSERT_TRUE(perform(Step::make_directory, "lab2")) << "another lab does not wait";
    EXPECT_FALSE(making.answers_within(300));
    EXPECT_FALSE(observing.answers_within(0));
    lock.reset();
    EXPECT_EQ(making.reply()->code, 0);
    EXPECT_EQ(observing.reply()->code, 0);
    expect_whole("lab1");
}

TEST_P(RootStep, HoldsOnlyTheCapabilitiesOfItsStep) {
    Fd lock(::open((passwords_ + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
    auto waiting = start(password_request(Step::set_password, "alice"));
    ASSERT_FALSE(waiting.answers_within(500));
    const auto status = *read_file("/proc/" + std::to_string(waiting.pid()) + "/status");
    // CAP_DAC_READ_SEARCH is number 2 (capabilities(7)).
    for (const auto* line :
         {"CapEff:\t0000000000000004\n", "CapPrm:\t0000000000000004\n", "CapBnd:\t0000000000000004\n",
          "CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n"})
        EXPECT_NE(status.find(line), std::string::npos) << line << status;
    lock.reset();
    EXPECT_EQ(waiting.reply()->code, 0);
}

TEST_P(RootStep, KilledBeforeAnyChangeThePasswordFileIsOldOrNew) {
    ASSERT_TRUE(perform(password_request(Step::set_password, "bob")));
    const auto bob = *read_file(passwords_);
    const auto both = bob + "alice:$y$j9T$abc/def.$ghi\n";
    EXPECT_GT(walk(
                  [&](int) {
                      EXPECT_TRUE(perform(password_request(Step::remove_password, "alice")));
                      return password_request(Step::set_password, "alice");
                  },
                  [&](int) { EXPECT_EQ(*read_file(passwords_), both); }),
              4);
    EXPECT_GT(walk(
                  [&](int) {
                      EXPECT_TRUE(perform(password_request(Step::set_password, "alice")));
                      return password_request(Step::remove_password, "alice");
                  },
                  [&](int) { EXPECT_EQ(*read_file(passwords_), bob); }),
              4);
    EXPECT_EQ(names(folder_ + "/state"), (std::set<std::string>{"passwords", "passwords.lock"}));
}

INSTANTIATE_TEST_SUITE_P(On, RootStep, testing::Values("btrfs", "tmpfs", "xfs", "ext4"), name_of_parameter);

class BtrfsRootStep : public RootStep {};

TEST_P(BtrfsRootStep, PlainDirectoryOutOfABackupServesButSaysThatNothingEnforcesItsQuota) {
    ASSERT_TRUE(perform(Step::make_directory, "lab2"));
    fs::create_directory(root_ + "/lab1");
    fs::create_directories(in_lab(".stowage/partials"));
    std::ofstream(in_lab(".stowage/lab")) << "lab1\nuid=712345\nversion=1\n";
    std::ofstream(in_lab("data")) << "x";
    ASSERT_TRUE(perform(Step::make_directory));
    expect_refused(quota_request(mebibyte), Code::unsupported);
    EXPECT_EQ(perform(Step::observe_lab)->quota_backend, message::QuotaBackend::none);
    ASSERT_TRUE(perform(Step::purge_directory));
    EXPECT_EQ(labs(), std::set<std::string>{"lab2"});
}

TEST_P(BtrfsRootStep, MountOfAnAdminIsKeptAndForbidsSetuidAfterwards) {
    ASSERT_TRUE(perform(Step::make_directory));
    ASSERT_TRUE(release_directory(place()));
    const auto lab = root_ + "/lab1";
    ASSERT_EQ(::mount(lab.c_str(), lab.c_str(), nullptr, MS_BIND, nullptr), 0);
    EXPECT_FALSE(perform(Step::observe_lab)->mounted);
    ASSERT_TRUE(perform(Step::make_directory));
    EXPECT_TRUE(perform(Step::observe_lab)->mounted);
    ASSERT_TRUE(perform(Step::purge_directory));
}

TEST_P(BtrfsRootStep, AnotherBtrfsOfAnAdminStaysMountedWhenTheLabIsLetGo) {
    const auto other = folder_ + "/other-image", lab = root_ + "/lab1";
    ASSERT_TRUE(run("truncate -s 512M " + other + " && mkfs.btrfs -q " + other));
    ASSERT_TRUE(perform(Step::make_directory));
    ASSERT_TRUE(release_directory(place()));
    ASSERT_TRUE(run("mount -o loop " + other + " " + lab));
    ASSERT_TRUE(perform(Step::make_directory)) << "an empty one is taken";
    std::ofstream(in_lab("data")) << "x";
    auto asked = request(Step::withdraw_export);
    asked.export_id = 1;
    asked.fsid[0] = 1;
    ASSERT_TRUE(perform(asked));
    EXPECT_TRUE(fs::exists(in_lab("data")));
    // Over ours, ours stays below it.
    ASSERT_EQ(::umount2(lab.c_str(), 0), 0);
    ASSERT_TRUE(perform(Step::make_directory));
    ASSERT_TRUE(run("mount -o loop,subvolid=5 " + other + " " + lab));
    ASSERT_TRUE(perform(asked));
    EXPECT_TRUE(fs::exists(in_lab("data")));
    ASSERT_EQ(::umount2(lab.c_str(), 0), 0);
    EXPECT_TRUE(perform(Step::observe_lab)->mounted);
}

INSTANTIATE_TEST_SUITE_P(On, BtrfsRootStep, testing::Values("btrfs"), name_of_parameter);

class TmpfsRootStep : public RootStep {};

TEST_P(TmpfsRootStep, LabsOnAnotherFilesystemThanConfiguredAreNotMade) {
    settings_["labs.quota_backend"] = "btrfs";  // and its mount is missing
    expect_refused(request(Step::make_directory), Code::unsupported);
    EXPECT_TRUE(names(root_).empty());
}

INSTANTIATE_TEST_SUITE_P(On, TmpfsRootStep, testing::Values("tmpfs"), name_of_parameter);

}  // namespace
}  // namespace stowage::storage
