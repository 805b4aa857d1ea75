// SITE CPFR/CPTO and COMB: whole or not at all, and nothing of anybody else's is lost.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/system/worker/rig.hpp"
#include "tests/system/worker/slow_motion.hpp"
#include "tests/system/worker/tmpfs.hpp"

namespace stowage::ftps::rig {

namespace fs = std::filesystem;

namespace {

class Copy : public testing::Test {
  protected:
    Reply copy(const std::string& from, const std::string& to) {
        const auto first = alice.control->ask("SITE CPFR " + from);
        return first.code == 350 ? alice.control->ask("SITE CPTO " + to) : first;
    }
    /// An upload that broke off.
    void leave_unfinished(const std::string& name) {
        Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
        ASSERT_EQ(alice.control->ask("STOR " + name).code, 150);
        ASSERT_TRUE(data.handshake());
        data.write("half");
        data.cut();
        ASSERT_EQ(alice.control->read().code, 426);
    }
    bool is_running() {
        for (int i = 0; i < 10000; ++i) {
            const auto status = alice.control->ask("STAT");
            if (status.code == 213 && status.text.find(": 0 bytes") == std::string::npos) return true;
        }
        return false;
    }

    Rig rig;
    Rig::Login alice = rig.login();
    const std::string content = std::string(3'000'000, 'x') + "the end";
};

}  // namespace

// Taken out (a copy has the mode of an upload): this fails.
TEST_F(Copy, IsTheSameFileWithItsModeAndItsHash) {
    ASSERT_EQ(rig.store(alice, "STOR a set", content).code, 226);
    ASSERT_EQ(alice.control->ask("SITE CHMOD 750 a set").code, 200);
    alice.control->ask("MKD dir");
    const auto copied = copy("a set", "dir/its copy");
    EXPECT_EQ(copied.code, 250) << copied.text;
    EXPECT_TRUE(rig.content("/dir/its copy") == content);
    struct stat seen {};
    ASSERT_EQ(::stat((rig.lab() / "dir/its copy").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0750u);
    EXPECT_EQ(seen.st_uid, lab_uid);
    EXPECT_EQ(::getxattr((rig.lab() / "dir/its copy").c_str(), "user.sha256", nullptr, 0), 57);
    const auto hash = alice.control->ask("HASH a set").text,
               same = alice.control->ask("HASH dir/its copy").text;
    EXPECT_EQ(hash.substr(0, hash.find(" a set")), same.substr(0, same.find(" dir/its copy")));
    EXPECT_EQ(rig.staged(), 0u);
}

TEST_F(Copy, ReplacesAFileInOneMomentAndKeepsItsMode) {
    rig.write_as_pod("/from", "new");
    ASSERT_EQ(rig.store(alice, "STOR to", "old").code, 226);
    ASSERT_EQ(alice.control->ask("SITE CHMOD 600 to").code, 200);
    leave_unfinished("to");
    EXPECT_EQ(copy("from", "to").code, 250);
    EXPECT_EQ(rig.content("/to"), "new");
    struct stat seen {};
    ASSERT_EQ(::stat((rig.lab() / "to").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0600u);
    // What was left of an upload to that name is superseded by it.
    EXPECT_EQ(alice.control->ask("SIZE to").text, "213 3\r\n");
    EXPECT_EQ(rig.staged(), 0u);
}

// Taken out (what is being uploaded can be copied): this fails.
TEST_F(Copy, RefusesWhatIsNoCopy) {
    rig.write_as_pod("/set", "x");
    alice.control->ask("MKD dir");
    fs::create_symlink("/etc/passwd", rig.lab() / "out");
    ASSERT_EQ(::mkfifo((rig.lab() / "fifo").c_str(), 0666), 0);
    EXPECT_EQ(alice.control->ask("SITE CPTO set2").code, 503);
    EXPECT_EQ(copy("nowhere", "x").code, 550);
    EXPECT_EQ(copy("out", "x").code, 550);
    EXPECT_EQ(copy("fifo", "x").code, 550);
    EXPECT_EQ(copy("set", "set").code, 550);
    EXPECT_EQ(copy("set", "dir").code, 550);
    EXPECT_EQ(copy("set", "nowhere/x").code, 550);
    EXPECT_EQ(copy("set", ".stowage/x").code, 550);
    EXPECT_EQ(copy(".stowage/lab", "x").code, 550);
    leave_unfinished("half");
    EXPECT_EQ(copy("half", "x").code, 450);
    EXPECT_EQ(alice.control->ask("SITE CPTO x").code, 503) << "a CPFR is good for one CPTO";
    for (const auto* name : {"x", "set2", ".stowage/x"})
        EXPECT_FALSE(fs::exists(rig.lab() / name)) << name;
}

TEST_F(Copy, OfADirectoryIsThereAsAWhole) {
    alice.control->ask("MKD from");
    alice.control->ask("MKD from/sub");
    alice.control->ask("MKD from/empty");
    ASSERT_EQ(rig.store(alice, "STOR from/set", content).code, 226);
    ASSERT_EQ(rig.store(alice, "STOR from/sub/run", "#!/bin/sh").code, 226);
    ASSERT_EQ(alice.control->ask("SITE CHMOD 750 from/sub/run").code, 200);
    fs::create_symlink("../set", rig.lab() / "from/sub/link");
    ASSERT_EQ(::mkfifo((rig.lab() / "from/fifo").c_str(), 0666), 0);
    const auto copied = copy("from", "to");
    EXPECT_EQ(copied.code, 250) << copied.text;
    EXPECT_NE(copied.text.find("2 files, 2 directories, 1 link. 1 device, fifo or socket was left out"),
              std::string::npos)
        << copied.text;
    EXPECT_TRUE(rig.content("/to/set") == content);
    EXPECT_EQ(rig.content("/to/sub/run"), "#!/bin/sh");
    EXPECT_EQ(fs::read_symlink(rig.lab() / "to/sub/link"), "../set");
    EXPECT_TRUE(fs::is_directory(rig.lab() / "to/empty"));
    struct stat seen {};
    ASSERT_EQ(::stat((rig.lab() / "to/sub/run").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0750u);
    ASSERT_EQ(::stat((rig.lab() / "to/sub").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 02770u);
    EXPECT_EQ(rig.staged(), 0u);
    EXPECT_EQ(alice.control->ask("HASH to/set").code, 213);
}

// Taken out (max_depth): this fails.
TEST_F(Copy, OfADirectoryThatFailsLeavesNothing) {
    alice.control->ask("MKD from");
    rig.write_as_pod("/from/set", "x");
    rig.write_as_pod("/file", "x");
    EXPECT_EQ(copy("from", "from").code, 550);
    EXPECT_EQ(copy("from", "file").code, 550);
    EXPECT_EQ(copy("from", "nowhere/to").code, 550);
    EXPECT_EQ(copy("from", ".stowage/x").code, 550);
    auto deep = rig.lab() / "deep";
    for (int i = 0; i < 70; ++i) {
        fs::create_directory(deep);
        deep /= "d";
    }
    EXPECT_EQ(copy("deep", "to").code, 553);
    EXPECT_EQ(rig.visible().size(), 1u + 1 + 1 + 70);
    EXPECT_EQ(rig.staged(), 0u);
    // All of the lab into itself: once, without what is ours.
    EXPECT_EQ(copy("from", "from/again").code, 250);
    EXPECT_EQ(rig.content("/from/again/set"), "x");
    fs::remove_all(rig.lab() / "deep");
    EXPECT_EQ(copy("/", "all").code, 250);
    EXPECT_FALSE(fs::exists(rig.lab() / "all/.stowage"));
    EXPECT_EQ(rig.content("/all/from/again/set"), "x");
}

TEST_F(Copy, ATargetThatIsBeingUploadedIsRefused) {
    rig.write_as_pod("/set", "x");
    auto bob = rig.login("bob");
    Data data(Rig::epsv(*bob.control), "127.0.0.1", mint(rig.key(), bob.nonce, tls13), tls13);
    ASSERT_EQ(bob.control->ask("STOR busy").code, 150);
    ASSERT_TRUE(data.handshake());
    const auto refused = copy("set", "busy");
    EXPECT_EQ(refused.code, 450);
    EXPECT_NE(refused.text.find("bob"), std::string::npos) << refused.text;
    data.write("bob's");
    data.finish();
    EXPECT_EQ(bob.control->read().code, 226);
    EXPECT_EQ(rig.content("/busy"), "bob's");
}

// Taken out (append() does not look at `aborted`): this fails.
TEST_F(Copy, AborEndsItAndLeavesNothing) {
    // Much room, and no disk to wait for: a tmpfs that holds a file too large to be copied at once.
    const Tmpfs disk("size=8g");
    if (!disk.mounted()) GTEST_SKIP() << "tmpfs cannot be mounted here";
    Rig::Options options;
    options.directory = disk.path();
    Rig large(options);
    auto bob = large.login("bob");
    large.write_as_pod("/huge", "");
    ASSERT_EQ(::truncate((large.lab() / "huge").c_str(), 1ll << 40), 0);
    large.write_as_pod("/old", "old");
    ASSERT_EQ(bob.control->ask("SITE CPFR huge").code, 350);
    bob.control->send("SITE CPTO old");
    ASSERT_EQ(bob.control->ask("NOOP").code, 200);
    EXPECT_EQ(bob.control->ask("ABOR").code, 426);
    EXPECT_EQ(bob.control->read().code, 226);
    EXPECT_EQ(large.content("/old"), "old");
    EXPECT_EQ(large.staged(), 0u);
}

// What is there is copied before the first byte is received.
TEST_F(Copy, AborEndsTheOneThatAnAppendBeginsWith) {
    const Tmpfs disk("size=8g");
    if (!disk.mounted()) GTEST_SKIP() << "tmpfs cannot be mounted here";
    Rig::Options options;
    options.directory = disk.path();
    Rig large(options);
    auto bob = large.login("bob");
    large.write_as_pod("/huge", "");
    ASSERT_EQ(::truncate((large.lab() / "huge").c_str(), 1ll << 40), 0);
    Data data(Rig::epsv(*bob.control), "127.0.0.1", mint(large.key(), bob.nonce, tls13), tls13);
    ASSERT_EQ(bob.control->ask("APPE huge").code, 150);
    ASSERT_TRUE(data.handshake());
    ASSERT_TRUE(comes_true([&] { return large.staged() == 1; }));
    EXPECT_EQ(bob.control->ask("ABOR").code, 426);
    EXPECT_EQ(bob.control->read().code, 226);
    EXPECT_EQ(large.staged(), 0u);
    EXPECT_NE(bob.control->ask("SIZE huge").text.find("1099511627776"), std::string::npos);
}

// What a client that only waits hears from CPTO and COMB, as from HASH and SITE UNPACK. Taken out
// (keep_alive() is never spawned): this fails.
TEST_F(Copy, SaysHowFarItIsEveryTenSeconds) {
    const Tmpfs disk("size=8g");
    if (!disk.mounted()) GTEST_SKIP() << "tmpfs cannot be mounted here";
    Rig::Options options;
    options.directory = disk.path();
    Rig large(options);
    auto bob = large.login("bob"), carol = large.login("carol");
    large.write_as_pod("/huge", "");
    ASSERT_EQ(::truncate((large.lab() / "huge").c_str(), 1ll << 40), 0);
    ASSERT_EQ(bob.control->ask("SITE CPFR huge").code, 350);
    const SlowMotion slow(large.pid());
    bob.control->send("SITE CPTO copy");
    carol.control->send("COMB joined huge");
    EXPECT_EQ(bob.control->read(12).code, 0);
    const auto copied = bob.control->ask("ABOR"), joined = carol.control->ask("ABOR");
    EXPECT_EQ(copied.code, 426) << copied.text;
    EXPECT_EQ(copied.text.find("250-CPTO copy: "), 0u) << copied.text;
    EXPECT_EQ(joined.code, 426) << joined.text;
    EXPECT_EQ(joined.text.find("250-COMB joined: "), 0u) << joined.text;
    EXPECT_EQ(large.visible(), std::vector<std::string>{"huge"});
    EXPECT_EQ(large.staged(), 0u);
}

TEST_F(Copy, AFullDiskIs552AndLeavesNothing) {
    const Tmpfs disk("size=4m");
    if (!disk.mounted()) GTEST_SKIP() << "tmpfs cannot be mounted here";
    Rig::Options options;
    options.directory = disk.path();
    Rig small(options);
    auto bob = small.login("bob");
    small.write_as_pod("/set", std::string(3 << 20, 'x'));
    small.write_as_pod("/old", "old");
    ASSERT_EQ(bob.control->ask("SITE CPFR set").code, 350);
    EXPECT_EQ(bob.control->ask("SITE CPTO old").code, 552);
    EXPECT_EQ(bob.control->ask("COMB old set").code, 552);
    EXPECT_EQ(small.content("/old"), "old");
    EXPECT_EQ(small.visible(), (std::vector<std::string>{"old", "set"}));
    EXPECT_EQ(small.staged(), 0u);
}

TEST_F(Copy, WhatAKilledWorkerLeftOfOneIsGone) {
    alice.control->ask("NOOP");
    const auto staging = rig.lab() / ".stowage/partials";
    rig.kill();
    std::ofstream(staging / "0123456789abcdef0123456789abcdef") << "half of a copy";
    fs::permissions(staging / "0123456789abcdef0123456789abcdef", fs::perms::owner_all);
    ASSERT_EQ(::chown((staging / "0123456789abcdef0123456789abcdef").c_str(), lab_uid, lab_uid), 0);
    rig.start();
    EXPECT_EQ(rig.staged(), 0u);
}

// Taken out (the parts stay): this fails.
TEST_F(Copy, PartsAreJoinedInTheirOrderAndRemovedAfterwards) {
    for (const auto* part : {"1", "2", "3"})
        ASSERT_EQ(rig.store(alice, std::string("STOR my set.part") + part, std::string(100'000, *part)).code,
                  226);
    const auto joined =
        alice.control->ask("COMB \"my set\" \"my set.part1\" \"/mnt/nfs/my set.part2\" \"my set.part3\"");
    EXPECT_EQ(joined.code, 250) << joined.text;
    EXPECT_TRUE(rig.content("/my set") ==
                std::string(100'000, '1') + std::string(100'000, '2') + std::string(100'000, '3'));
    EXPECT_EQ(rig.visible(), std::vector<std::string>{"my set"});
    EXPECT_EQ(rig.staged(), 0u);
    // What the target holds already stays in front.
    ASSERT_EQ(rig.store(alice, "STOR last", "!").code, 226);
    EXPECT_EQ(alice.control->ask("COMB \"my set\" last").code, 250);
    EXPECT_EQ(alice.control->ask("SIZE my set").text, "213 300001\r\n");
}

// Taken out one by one (unfinished parts, a part that is named twice): each fails.
TEST_F(Copy, AJoinThatCannotBeChangesNothing) {
    rig.write_as_pod("/a", "a");
    rig.write_as_pod("/b", "b");
    rig.write_as_pod("/set", "old");
    fs::create_symlink("a", rig.lab() / "also-a");
    alice.control->ask("MKD dir");
    EXPECT_EQ(alice.control->ask("COMB set").code, 501);
    EXPECT_EQ(alice.control->ask("COMB \"set\" \"a").code, 501);
    EXPECT_EQ(alice.control->ask("COMB set a nowhere").code, 550);
    EXPECT_EQ(alice.control->ask("COMB set a dir").code, 550);
    EXPECT_EQ(alice.control->ask("COMB dir a b").code, 550);
    EXPECT_EQ(alice.control->ask("COMB set a a").code, 501);
    EXPECT_EQ(alice.control->ask("COMB set a also-a").code, 501);
    EXPECT_EQ(alice.control->ask("COMB set a set").code, 501);
    EXPECT_EQ(alice.control->ask("COMB .stowage/lab a b").code, 550);
    leave_unfinished("half");
    EXPECT_EQ(alice.control->ask("COMB set a half").code, 450);
    leave_unfinished("set");
    EXPECT_EQ(alice.control->ask("COMB set a b").code, 450);
    std::string many = "COMB set";
    for (int i = 0; i < 257; ++i)
        many += " p" + std::to_string(i);
    EXPECT_EQ(alice.control->ask(many).code, 501);
    for (const auto* name : {"/a", "/b"})
        EXPECT_EQ(rig.content(name), std::string(name + 1));
    EXPECT_EQ(rig.content("/set"), "old");
    EXPECT_EQ(rig.store(alice, "STOR a", "free again").code, 226);
}

}  // namespace stowage::ftps::rig
