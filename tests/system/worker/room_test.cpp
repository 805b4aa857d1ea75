// Room for uploads: announced, refused before the first byte, told, and counted where no filesystem counts.
// The supervisor's numbers are this test's; quotas that a filesystem enforces are in quota_btrfs_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::uint64_t kibibyte = 1 << 10, mebibyte = 1 << 20;

/// A lab whose filesystem counts, and says what the test wants.
struct CountedLab {
    std::atomic<std::uint64_t> used{0};

    Rig::Options options(std::uint64_t limit) {
        Rig::Options options;
        options.quota_bytes = limit;
        options.usage = [this, limit] {
            message::LabUsage usage;
            usage.backend = message::QuotaBackend::ext4;
            usage.limit_bytes = limit;
            usage.used_bytes = used;
            usage.disk_free_bytes = 100ULL << 30;
            usage.disk_free_inodes = UINT64_MAX;
            return usage;
        };
        return options;
    }
};

// Taken out (warning() says nothing of bytes): this fails.
TEST(Room, TheWelcomeWarnsWhenLittleIsLeft) {
    CountedLab lab;
    lab.used = 92 * mebibyte;
    Rig rig(lab.options(100 * mebibyte));
    EXPECT_THAT(
        rig.login().welcome.text,
        StartsWith(
            "230 Welcome to lab lab1, alice. The lab may hold 100MiB. Little room is left: 92 % of its "
            "room are used, 8MiB are left."));
}

// Taken out one by one (ALLO looks at no room; its refusals count): each fails.
TEST(Room, AlloTooLargeIsRefusedWithTheNumbersAndDoesNotCountAsAnUpload) {
    CountedLab lab;
    lab.used = 60 * mebibyte;
    Rig rig(lab.options(100 * mebibyte));
    auto alice = rig.login();
    for (int i = 0; i < 4; ++i) {
        const auto refused = alice.control->ask("ALLO 41943041");
        EXPECT_EQ(refused.code, 552);
        EXPECT_THAT(refused.text, HasSubstr("60MiB of 100MiB are used, 40MiB are left; delete something"));
    }
    EXPECT_EQ(alice.control->ask("ALLO 41943040").code, 200);
    EXPECT_EQ(alice.control->ask("ALLO 41943040 R 512").code, 200);
    for (const auto* bad : {"-1", "9223372036854775808", "18446744073709551616", "x", "1x", "0x10"})
        EXPECT_EQ(alice.control->ask(std::string("ALLO ") + bad).code, 501) << bad;
}

// Keeps: announced_by_others() in find_room(). Without it the second ALLO is 200.
TEST(Room, AnnouncedUploadsOfAllSessionsCountTogether) {
    CountedLab lab;
    lab.used = 60 * mebibyte;
    Rig rig(lab.options(100 * mebibyte));
    auto alice = rig.login("alice"), bob = rig.login("bob");
    ASSERT_EQ(alice.control->ask("ALLO " + std::to_string(30 * mebibyte)).code, 200);
    const auto refused = bob.control->ask("ALLO " + std::to_string(20 * mebibyte));
    EXPECT_EQ(refused.code, 552);
    EXPECT_THAT(refused.text, HasSubstr("30MiB that other uploads have announced"));
    EXPECT_EQ(bob.control->ask("AVBL").text, "213 " + std::to_string(10 * mebibyte) + "\r\n");
    EXPECT_EQ(bob.control->ask("ALLO " + std::to_string(10 * mebibyte)).code, 200);
    // Withdrawn: by another announcement, by the upload, by the end of the session.
    EXPECT_EQ(bob.control->ask("ALLO 0").code, 200);
    EXPECT_EQ(rig.store(alice, "STOR set", "little came").code, 226);
    EXPECT_EQ(bob.control->ask("ALLO " + std::to_string(40 * mebibyte)).code, 200);
    EXPECT_EQ(alice.control->ask("ALLO " + std::to_string(10 * mebibyte)).code, 552);
    bob.control->ask("QUIT");
    EXPECT_EQ(bob.control->read().code, 0);
    EXPECT_EQ(alice.control->ask("ALLO " + std::to_string(10 * mebibyte)).code, 200);
}

// Taken out one by one (find_room()'s no in upload(), the third refusal's end in refuse_full()): each fails.
TEST(Room, AFullLabRefusesBeforeTheFirstByteAndTheThirdTimeInARowClosesPolitely) {
    CountedLab lab;
    lab.used = 100 * mebibyte;
    Rig rig(lab.options(100 * mebibyte));
    rig.write_as_pod("/old", "old");
    auto alice = rig.login();
    const auto stor = [&] {
        Rig::epsv(*alice.control);
        return alice.control->ask("STOR set");
    };
    const auto first = stor();
    EXPECT_EQ(first.code, 552);
    EXPECT_THAT(first.text, HasSubstr("the lab's limit is reached: 100MiB of 100MiB are used, 0B are left"));
    EXPECT_EQ(stor().code, 552);
    EXPECT_EQ(alice.control->ask("DELE old").code, 250);  // somebody does something about it
    EXPECT_EQ(stor().code, 552);
    EXPECT_EQ(stor().code, 552);
    EXPECT_EQ(stor().code, 552);
    const auto last = alice.control->read();
    EXPECT_EQ(last.code, 421);
    EXPECT_THAT(last.text, HasSubstr("Three uploads in a row found no room"));
    EXPECT_EQ(alice.control->read().code, 0);
    EXPECT_TRUE(alice.control->close_was_asked());
}

// Taken out (find_room() believes the numbers that it has): this fails.
TEST(Room, FreedRoomIsSeenAtTheNextUpload) {
    CountedLab lab;
    lab.used = 100 * mebibyte;
    Rig rig(lab.options(100 * mebibyte));
    auto alice = rig.login();
    Rig::epsv(*alice.control);
    EXPECT_EQ(alice.control->ask("STOR set").code, 552);
    lab.used = 50 * mebibyte;
    EXPECT_EQ(rig.store(alice, "STOR set", "fits").code, 226);
}

// Taken out (what is left): this fails.
TEST(Room, SiteQuotaAndStatShowTheNumbers) {
    CountedLab lab;
    lab.used = 60 * mebibyte;
    Rig rig(lab.options(100 * mebibyte));
    auto alice = rig.login();
    for (const auto* command : {"SITE QUOTA", "STAT"}) {
        const auto shown = alice.control->ask(command).text;
        EXPECT_THAT(shown, HasSubstr(" Limit: 100MiB (104857600 bytes)\r\n")) << command;
        EXPECT_THAT(shown, HasSubstr(" Left:  40MiB (41943040 bytes), 60 % are used\r\n")) << command;
        EXPECT_THAT(shown, HasSubstr("for pods too")) << command;
    }
    EXPECT_THAT(alice.control->ask("FEAT").text, HasSubstr("\r\n AVBL\r\n"));
    EXPECT_EQ(alice.control->ask("AVBL nowhere").code, 550);
    EXPECT_EQ(alice.control->ask("AVBL /").code, 213);
}

// A million small files must not be a million questions to root. Taken out (is_plenty() says no): they are.
TEST(Room, UploadsWithPlentyOfRoomDoNotAsk) {
    CountedLab lab;
    Rig rig(lab.options(100 * mebibyte));
    auto alice = rig.login();
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(alice.control->ask("ALLO 1000").code, 200);
        ASSERT_EQ(rig.store(alice, "STOR set", "x").code, 226);
    }
    EXPECT_EQ(rig.usage_queries(), 1u);
}

// Taken out (LabUsage waits a minute for a look): this fails.
TEST(Room, ASupervisorThatDoesNotAnswerHoldsNobodyUpForLong) {
    CountedLab lab;
    auto options = lab.options(100 * mebibyte);
    std::atomic<bool> hangs{true};
    options.usage = [&hangs] {
        while (hangs)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return message::LabUsage{};
    };
    Rig rig(options);
    auto alice = rig.login();
    EXPECT_EQ(alice.welcome.code, 230);
    EXPECT_EQ(rig.store(alice, "STOR set", "goes on").code, 226);
    const auto shown = alice.control->ask("SITE QUOTA");
    EXPECT_THAT(shown.text, HasSubstr("Used:  not known"));
    EXPECT_EQ(rig.usage_queries(), 1u);
    hangs = false;
}

/// A lab whose filesystem does not count: FTPS does.
class OwnLedger : public testing::Test {
  protected:
    static Rig::Options limit(std::uint64_t bytes, std::uint64_t inodes = 0) {
        Rig::Options options;
        options.quota_bytes = bytes;
        options.quota_inodes = inodes;
        return options;
    }
    static std::string some(std::uint64_t bytes) { return std::string(bytes, 'x'); }
};

// Taken out (add_within() knows no limit): this fails, and so do the four behind it.
TEST_F(OwnLedger, UploadsStopAtTheLimitAndNothingOfThemStays) {
    Rig rig(limit(mebibyte));
    auto alice = rig.login();
    ASSERT_EQ(rig.store(alice, "STOR kept", some(600 * kibibyte)).code, 226);
    const auto refused = rig.store(alice, "STOR kept", some(2 * mebibyte));
    EXPECT_EQ(refused.code, 552);
    EXPECT_THAT(refused.text, HasSubstr("600KiB of 1MiB are used, 424KiB are left"));
    EXPECT_EQ(rig.content("/kept").size(), 600 * kibibyte);
    EXPECT_EQ(rig.staged(), 0u);
    EXPECT_EQ(rig.store(alice, "STOR more", some(424 * kibibyte)).code, 226);
    EXPECT_EQ(rig.store(alice, "STOR one-too-many", "x").code, 552);
    EXPECT_EQ(alice.control->ask("DELE more").code, 250);
    EXPECT_EQ(rig.store(alice, "STOR again", some(424 * kibibyte)).code, 226);
    EXPECT_THAT(alice.control->ask("SITE QUOTA").text, HasSubstr("Counted by this FTPS server"));
}

// APPE, REST and replacing by rename: each byte counts once, and no way round is left.
TEST_F(OwnLedger, NoWayRoundByAppendRestartOrRename) {
    Rig rig(limit(mebibyte));
    auto alice = rig.login();
    ASSERT_EQ(rig.store(alice, "STOR a", some(500 * kibibyte)).code, 226);
    // APPE to a complete file copies it first, so that pods go on reading the old one: that must fit too.
    EXPECT_EQ(rig.store(alice, "APPE a", some(30 * kibibyte)).code, 552);
    EXPECT_EQ(rig.content("/a").size(), 500 * kibibyte);
    EXPECT_EQ(rig.store(alice, "APPE a", some(20 * kibibyte)).code, 226);
    EXPECT_EQ(rig.content("/a").size(), 520 * kibibyte);
    alice.control->ask("REST 700000");
    Rig::epsv(*alice.control);
    EXPECT_EQ(alice.control->ask("STOR a").code, 554);  // a hole
    ASSERT_EQ(rig.store(alice, "STOR b", some(400 * kibibyte)).code, 226);
    ASSERT_EQ(alice.control->ask("RNFR b").code, 350);
    ASSERT_EQ(alice.control->ask("RNTO a").code, 250);
    EXPECT_EQ(alice.control->ask("AVBL").text, "213 " + std::to_string(624 * kibibyte) + "\r\n");
    EXPECT_EQ(rig.store(alice, "STOR c", some(625 * kibibyte)).code, 552);
    EXPECT_EQ(rig.store(alice, "STOR c", some(624 * kibibyte)).code, 226);
}

// `btrfs quota enable` in the midst of it: the ledger went on refusing until the worker's end.
TEST_F(OwnLedger, RefusesNothingMoreOnceTheFilesystemCounts) {
    auto options = limit(mebibyte);
    std::atomic<bool> counts{false};
    options.usage = [&counts] {
        message::LabUsage usage;
        if (!counts) return usage;
        usage.backend = message::QuotaBackend::btrfs;
        usage.limit_bytes = 100 * mebibyte;
        return usage;
    };
    Rig rig(options);
    auto alice = rig.login();
    EXPECT_EQ(rig.store(alice, "STOR set", some(2 * mebibyte)).code, 552);
    counts = true;
    EXPECT_EQ(rig.store(alice, "STOR set", some(2 * mebibyte)).code, 552) << "and looks how full it is";
    EXPECT_EQ(rig.store(alice, "STOR set", some(2 * mebibyte)).code, 226);
}

TEST_F(OwnLedger, ParallelUploadsDoNotPassTheLimitTogether) {
    Rig rig(limit(mebibyte));
    std::vector<Rig::Login> logins;
    for (int i = 0; i < 4; ++i)
        logins.push_back(rig.login());
    std::atomic<int> stored{0}, refused{0};
    std::vector<std::thread> uploads;
    for (int i = 0; i < 4; ++i)
        uploads.emplace_back([&, i] {
            const auto code = rig.store(logins[i], "STOR set" + std::to_string(i), some(400 * kibibyte)).code;
            stored += code == 226;
            refused += code == 552;
        });
    for (auto& upload : uploads)
        upload.join();
    EXPECT_LE(stored, 2);
    EXPECT_EQ(stored + refused, 4);
    std::uint64_t held = 0;
    for (const auto& name : rig.visible())
        held += rig.content("/" + name).size();
    EXPECT_LE(held, mebibyte);
    EXPECT_EQ(rig.staged(), 0u);
}

// Taken out (Ledger::walk() counts nothing): this fails.
TEST_F(OwnLedger, ANewWorkerCountsWhatIsThere) {
    Rig rig(limit(mebibyte));
    {
        auto alice = rig.login();
        ASSERT_EQ(rig.store(alice, "STOR a", some(600 * kibibyte)).code, 226);
    }
    rig.write_as_pod("/of-a-pod", some(300 * kibibyte));
    rig.kill();
    rig.start();
    auto alice = rig.login();
    EXPECT_EQ(alice.control->ask("AVBL").text,
              "213 " + std::to_string(124 * kibibyte) + " 87 % of its room are used, 124KiB are left.\r\n");
    EXPECT_EQ(rig.store(alice, "STOR b", some(200 * kibibyte)).code, 552);
    EXPECT_EQ(rig.store(alice, "STOR b", some(124 * kibibyte)).code, 226);
}

// Taken out (take_name() says yes to all): this fails.
TEST_F(OwnLedger, NamesAreLimitedInTheirOwnWords) {
    Rig rig(limit(0, 6));
    auto alice = rig.login();
    int made = 0;
    Reply last;
    while (made < 7 && (last = alice.control->ask("MKD d" + std::to_string(made))).code == 257)
        ++made;
    EXPECT_EQ(last.code, 552);
    EXPECT_THAT(last.text, HasSubstr("as many files as it may"));
    EXPECT_EQ(rig.store(alice, "STOR file", "x").code, 552);
    EXPECT_EQ(alice.control->ask("RMD d0").code, 250);
    EXPECT_EQ(rig.store(alice, "STOR file", "x").code, 226);
}

}  // namespace
}  // namespace stowage::ftps::rig
