// Counting without a filesystem that does.
// Runs in: tests only.
#include "ftps/worker/ledger.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "ftps/worker/lab_view.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {
namespace {

TEST(Ledger, RefusesWhatWouldPassTheLimitAndCountsNothingThen) {
    Ledger ledger;
    EXPECT_TRUE(ledger.take(UINT32_MAX));  // off
    ledger.start(100, 2);
    EXPECT_TRUE(ledger.take(60));
    EXPECT_EQ(ledger.take(41).error().code, Code::over_quota);
    EXPECT_TRUE(ledger.take(40));
    EXPECT_FALSE(ledger.take(1));
    EXPECT_TRUE(ledger.take(0));
    ledger.give(10);
    EXPECT_TRUE(ledger.take(10));
    EXPECT_TRUE(ledger.take_name());
    EXPECT_TRUE(ledger.take_name());
    EXPECT_EQ(ledger.take_name().error().code, Code::over_quota);
}

TEST(Ledger, ParallelUploadsNeverPassTheLimitTogether) {
    Ledger ledger;
    ledger.start(10'000, 0);
    std::atomic<int> taken{0};
    std::vector<std::thread> uploads;
    for (int i = 0; i < 8; ++i)
        uploads.emplace_back([&] {
            for (int n = 0; n < 5000; ++n)
                if (ledger.take(3)) ++taken;
        });
    for (auto& upload : uploads)
        upload.join();
    EXPECT_EQ(taken, 3333);
}

// Taken out (add_within() adds without looking whether the sum is still the one that fitted): this fails.
TEST(Ledger, TheLastByteIsTakenOnce) {
    Ledger ledger;
    ledger.start(1, 0);
    std::atomic<int> holders{0}, together{0};
    std::vector<std::thread> uploads;
    for (int i = 0; i < 4; ++i)
        uploads.emplace_back([&] {
            for (int n = 0; n < 200'000; ++n) {
                if (!ledger.take(1)) continue;
                if (holders++ > 0) ++together;
                --holders;
                ledger.give(1);
            }
        });
    for (auto& upload : uploads)
        upload.join();
    EXPECT_EQ(together, 0);
}

class LedgerOfLab : public testing::Test {
  protected:
    Ledger::Count counted() { return files.ledger().count().value(); }

    Folder folder;
    LabFiles files{folder.root(), ""};
};

TEST_F(LedgerOfLab, WalkCountsFilesOnceAndHolesNot) {
    folder.write("lab/a", std::string(1000, 'x'));
    std::filesystem::create_directories(folder.lab / "deep/er");
    folder.write("lab/deep/er/b", std::string(500, 'x'));
    std::filesystem::create_hard_link(folder.lab / "a", folder.lab / "deep/a again");
    std::filesystem::create_symlink("a", folder.lab / "link");
    std::filesystem::create_directory_symlink("/", folder.lab / "out");
    folder.write("lab/sparse", "");
    ASSERT_EQ(::truncate((folder.lab / "sparse").c_str(), 1 << 30), 0);
    files.ledger().start(1 << 30, 0);
    ASSERT_TRUE(files.count());
    EXPECT_EQ(counted().bytes, 1500u);
    EXPECT_EQ(counted().inodes, 8u);
}

TEST_F(LedgerOfLab, WhatIsRemovedOrReplacedIsGivenBack) {
    folder.write("lab/a", std::string(1000, 'x'));
    folder.write("lab/b", std::string(300, 'x'));
    std::filesystem::create_hard_link(folder.lab / "b", folder.lab / "c");
    files.ledger().start(1 << 20, 0);
    ASSERT_TRUE(files.count());
    const auto names = counted().inodes;
    ASSERT_TRUE(files.remove_file("/b"));  // another name of it stays
    EXPECT_EQ(counted().bytes, 1300u);
    ASSERT_TRUE(files.rename("/c", "/a"));
    EXPECT_EQ(counted().bytes, 300u);
    ASSERT_TRUE(files.make_directory("/d"));
    ASSERT_TRUE(files.remove_directory("/d"));
    ASSERT_TRUE(files.remove_file("/a"));
    EXPECT_EQ(counted().bytes, 0u);
    EXPECT_EQ(counted().inodes, names - 3);
}

// A loop of uploads and removals would gain room, if one counted blocks and the other bytes.
TEST_F(LedgerOfLab, SmallFilesGiveBackExactlyWhatTheyTook) {
    files.ledger().start(1 << 20, 0);
    ASSERT_TRUE(files.count());
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(files.ledger().take(1));
        ASSERT_TRUE(files.ledger().take_name());
        folder.write("lab/one", "x");
        ASSERT_TRUE(files.remove_file("/one"));
    }
    EXPECT_EQ(counted().bytes, 0u);
    EXPECT_EQ(counted().inodes, 0u);
}

TEST_F(LedgerOfLab, InterruptedAndPublishedUploadsAddUp) {
    folder.write("lab/probe", "");
    Partials partials(files);
    ASSERT_TRUE(partials.load());
    files.ledger().start(1 << 20, 0);
    ASSERT_TRUE(files.count());
    const auto write = [&](const Fd& file, std::size_t size) {
        ASSERT_TRUE(files.ledger().take(size));
        ASSERT_EQ(::write(file.get(), std::string(size, 'x').data(), size), static_cast<ssize_t>(size));
    };
    {
        auto claim = *partials.claim("/set", "alice");
        write(*partials.open(claim, {}), 1000);
    }
    EXPECT_EQ(counted().bytes, 1000u);
    {
        auto claim = *partials.claim("/set", "alice");
        write(*partials.open(claim, {true, 0}), 500);
        partials.take_back(claim);  // no room: what was there before stays
    }
    EXPECT_EQ(counted().bytes, 1000u);
    EXPECT_EQ(partials.stat("/set")->st_size, 1000);
    {
        auto claim = *partials.claim("/set", "alice");
        const auto file = partials.open(claim, {false, 400});
        write(*file, 100);
        ASSERT_TRUE(partials.publish(claim, *file, Durability::none));
    }
    EXPECT_EQ(counted().bytes, 500u);
    {
        auto claim = *partials.claim("/set", "alice");  // replaces, with a copy of the beginning
        const auto file = partials.open(claim, {false, 200});
        EXPECT_EQ(counted().bytes, 700u);
        write(*file, 10);
        ASSERT_TRUE(partials.publish(claim, *file, Durability::none));
    }
    EXPECT_EQ(counted().bytes, 210u);
    const auto before = counted();
    ASSERT_TRUE(files.count());
    EXPECT_EQ(counted().bytes, before.bytes);
    EXPECT_EQ(counted().inodes, before.inodes);
}

}  // namespace
}  // namespace stowage::ftps
