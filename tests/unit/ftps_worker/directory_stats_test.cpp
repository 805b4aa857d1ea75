// Large directories, asked about by several threads.
// Runs in: tests only.
#include "ftps/worker/directory_stats.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

namespace {

constexpr unsigned many = 1200;

std::string name_of_file(unsigned number) {
    return fmt::format("file-{:04}", number);
}

struct DirectoryStatsTest : testing::Test {
    Folder folder;

    void fill(unsigned count) {
        for (unsigned number = 0; number < count; ++number)
            folder.write("lab/" + name_of_file(number), std::string(number % 100, 'x'));
    }
    DirectoryStats open() const {
        return std::move(*DirectoryStats::of(Fd(::open(folder.lab.c_str(), O_RDONLY | O_DIRECTORY)), "/"));
    }
};

}  // namespace

TEST_F(DirectoryStatsTest, TellsEachNameOnceWithWhatItIs) {
    fill(many);
    fs::create_symlink("file-0007", folder.lab / "link");
    fs::create_directory(folder.lab / "folder");
    auto entries = open();
    std::map<std::string, NamedStat> seen;
    for (auto batch = entries.next(); batch && !batch->empty(); batch = entries.next())
        for (const auto& entry : *batch)
            EXPECT_TRUE(seen.emplace(entry.name, entry).second) << entry.name;
    ASSERT_EQ(seen.size(), many + 2);
    for (unsigned number = 0; number < many; ++number) {
        const auto& entry = seen[name_of_file(number)];
        EXPECT_TRUE(entry.is_there);
        EXPECT_EQ(entry.stat.st_size, number % 100);
        EXPECT_EQ(entry.link_target, "");
    }
    EXPECT_EQ(seen["link"].link_target, "file-0007");
    EXPECT_TRUE(S_ISDIR(seen["folder"].stat.st_mode));
}

TEST_F(DirectoryStatsTest, AnEmptyDirectoryHasNothing) {
    auto entries = open();
    const auto batch = entries.next();
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->empty());
}

TEST_F(DirectoryStatsTest, WhatIsRemovedMeanwhileIsNotThere) {
    fill(many);
    auto entries = open();
    ASSERT_TRUE(entries.next());
    // Two batches are known by now, the first of them asked about.
    for (unsigned number = 0; number < many; ++number)
        fs::remove(folder.lab / name_of_file(number));
    unsigned gone = 0;
    for (auto batch = entries.next(); batch && !batch->empty(); batch = entries.next())
        for (const auto& entry : *batch)
            if (!entry.is_there) ++gone;
    EXPECT_GT(gone, 0U);
}

TEST_F(DirectoryStatsTest, MayBeLeftInTheMiddle) {
    fill(many);
    for (unsigned rounds = 0; rounds < 50; ++rounds) {
        auto entries = open();
        for (unsigned batches = 0; batches < rounds % 4; ++batches)
            ASSERT_TRUE(entries.next());
    }
}

TEST_F(DirectoryStatsTest, HoldWhileAPeerChangesTheDirectory) {
    fill(many);
    std::atomic<bool> stop = false;
    std::thread peer([&] {
        for (unsigned number = 0; !stop; number = (number + 1) % many) {
            const auto path = folder.lab / name_of_file(number);
            fs::remove(path);
            fs::create_symlink("elsewhere", path);
        }
    });
    for (unsigned rounds = 0; rounds < 10; ++rounds) {
        auto entries = open();
        std::size_t count = 0;
        for (auto batch = entries.next(); batch && !batch->empty(); batch = entries.next()) {
            for (const auto& entry : *batch)
                EXPECT_TRUE(entry.link_target.empty() || entry.link_target == "elsewhere");
            count += batch->size();
        }
        EXPECT_GT(count, 0U);
    }
    stop = true;
    peer.join();
}

}  // namespace stowage::ftps
