// The words and sums of quotas.
// Runs in: tests only.
#include "ftps/worker/usage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stowage::ftps {
namespace {

using message::QuotaBackend;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t mebibyte = 1 << 20, gibibyte = 1 << 30;

Usage lab(std::uint64_t used, std::uint64_t limit) {
    Usage usage;
    usage.backend = QuotaBackend::btrfs;
    usage.limit_bytes = limit;
    usage.used_bytes = used;
    usage.disk_free_bytes = 100 * gibibyte;
    return usage;
}

TEST(CheckRoom, WhatFitsExactlyFits) {
    EXPECT_TRUE(check_room(lab(6 * gibibyte, 10 * gibibyte), 4 * gibibyte, 0));
    const auto refused = check_room(lab(6 * gibibyte, 10 * gibibyte), 4 * gibibyte + 1, 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::over_quota);
    EXPECT_THAT(refused.error().text(), HasSubstr("6GiB of 10GiB are used, 4GiB are left"));
    EXPECT_THAT(refused.error().remedy, HasSubstr("ask the administrator"));
}

TEST(CheckRoom, WhatOthersAnnouncedIsTakenAlready) {
    const auto usage = lab(6 * gibibyte, 10 * gibibyte);
    EXPECT_TRUE(check_room(usage, gibibyte, 3 * gibibyte));
    const auto refused = check_room(usage, gibibyte + 1, 3 * gibibyte);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr("3GiB that other uploads have announced"));
    EXPECT_FALSE(check_room(usage, 1, UINT64_MAX));
    EXPECT_TRUE(check_room(usage, 0, UINT64_MAX));  // of unknown size: it may be small
}

TEST(CheckRoom, AnUploadOfUnknownSizeIsRefusedOnlyWhenNothingIsLeft) {
    EXPECT_TRUE(check_room(lab(10 * gibibyte - 1, 10 * gibibyte), 0, 0));
    EXPECT_FALSE(check_room(lab(10 * gibibyte, 10 * gibibyte), 0, 0));
    EXPECT_FALSE(check_room(lab(11 * gibibyte, 10 * gibibyte), 0, 0));  // the limit was lowered
}

TEST(CheckRoom, WhatIsNotKnownDoesNotRefuse) {
    EXPECT_TRUE(check_room(Usage{}, INT64_MAX, 0));
    Usage unknown;
    unknown.limit_bytes = gibibyte;
    EXPECT_TRUE(check_room(unknown, gibibyte, 0));
    const auto refused = check_room(unknown, gibibyte + 1, 0);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr("1GiB"));
}

TEST(CheckRoom, InodesAndTheDiskHaveTheirOwnWords) {
    auto many = lab(gibibyte, 10 * gibibyte);
    many.limit_inodes = 1000;
    many.used_inodes = 1000;
    EXPECT_THAT(check_room(many, 0, 0).error().text(), HasSubstr("as many files as it may: 1000 of 1000"));
    auto full = lab(gibibyte, 10 * gibibyte);
    full.disk_free_bytes = mebibyte;
    const auto refused = check_room(full, 2 * mebibyte, 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::no_space);
    EXPECT_THAT(refused.error().text(), HasSubstr("the whole storage is full (1MiB are left of it)"));
    EXPECT_THAT(refused.error().remedy, HasSubstr("tell the administrator"));
}

TEST(Explained, EdquotIsTheLabsLimitWithWhatWasTakenBack) {
    const auto text = explained({Code::over_quota, "the upload: the lab's limit is reached", ""},
                                lab(2 * gibibyte, 10 * gibibyte), 8 * gibibyte)
                          .text();
    EXPECT_THAT(text,
                HasSubstr("the upload: the lab's limit is reached after 8GiB more, which were taken back"));
    EXPECT_THAT(text, HasSubstr("2GiB of 10GiB are used, 8GiB are left"));
}

TEST(Explained, EdquotOfInodesSaysSo) {
    auto usage = lab(gibibyte, 10 * gibibyte);
    usage.limit_inodes = usage.used_inodes.emplace(50);
    const auto text = explained({Code::over_quota, "/a: the lab's limit is reached", ""}, usage, 0).text();
    EXPECT_THAT(text, HasSubstr("/a: the lab has as many files as it may: 50 of 50"));
    EXPECT_THAT(text, Not(HasSubstr("GiB")));
}

// Taken out (was_too_many_files()): whoever unpacks a million small files hears that gibibytes are left, and
// no why.
TEST(Explained, TooManyFilesThatWereTakenBackAreNotBytes) {
    auto usage = lab(gibibyte, 10 * gibibyte);
    usage.limit_inodes = 60;
    usage.used_inodes = 6;
    const Error full{Code::over_quota, "/many: the lab's limit is reached", ""};
    EXPECT_THAT(explained(full, usage, 54).text(),
                HasSubstr("/many: the lab would have more files than it may: 6 of 60 files and directories"));
    EXPECT_THAT(explained(full, usage, 9 * gibibyte).text(),
                HasSubstr("the lab's limit is reached after 9GiB"));
    usage.limit_bytes = 0;
    EXPECT_THAT(explained(full, usage, 9 * gibibyte).text(), HasSubstr("more files than it may"));
}

// XFS says ENOSPC for a project's limit too; btrfs and ext4 say it for a full disk only.
TEST(Explained, EnospcAsksTheQuotaBeforeItBlamesTheDisk) {
    const Error enospc{Code::no_space, "the upload: the whole storage is full", ""};
    auto usage = lab(2 * gibibyte, 10 * gibibyte);
    EXPECT_THAT(explained(enospc, usage, 8 * gibibyte).text(), HasSubstr("the whole storage is full"));
    usage.backend = QuotaBackend::xfs;
    EXPECT_THAT(explained(enospc, usage, 8 * gibibyte - mebibyte).text(),
                HasSubstr("the lab's limit is reached"));
    EXPECT_EQ(explained(enospc, usage, 8 * gibibyte - mebibyte).code, Code::over_quota);
    EXPECT_THAT(explained(enospc, usage, gibibyte).text(), HasSubstr("the whole storage is full"));
}

TEST(Explained, OtherErrorsStayAsTheyAre) {
    const Error denied{Code::denied, "/a: permission denied", "chmod"};
    EXPECT_EQ(explained(denied, lab(1, 1), 0).text(), denied.text());
}

TEST(Warning, ComesAt80And90And95Percent) {
    EXPECT_EQ(warning(lab(79, 100)), "");
    EXPECT_EQ(warning(lab(80, 100)), " 80 % of its room are used, 20B are left.");
    EXPECT_EQ(warning(lab(90, 100)), " Little room is left: 90 % of its room are used, 10B are left.");
    EXPECT_EQ(warning(lab(95, 100)), " ALMOST FULL: 95 % of its room are used, 5B are left.");
    EXPECT_EQ(warning(lab(120, 100)), " FULL: 120 % of its room are used, 0B are left.");
    EXPECT_EQ(warning(Usage{}), "");
    auto files = lab(1, 100);
    files.limit_inodes = 10;
    files.used_inodes = 9;
    EXPECT_EQ(warning(files),
              " Little room is left: 90 % of its 10 files and directories are there, 1 are left.");
    EXPECT_EQ(warning(lab(UINT64_MAX, 1)).empty(), false);
}

TEST(UsageLines, SayWhoCounts) {
    const auto joined = [](const Usage& usage) {
        std::string all;
        for (const auto& line : usage_lines(usage))
            all += line + "\n";
        return all;
    };
    auto usage = lab(gibibyte, 10 * gibibyte);
    usage.limit_inodes = 5;
    EXPECT_THAT(joined(usage), HasSubstr("Left:  9GiB (9663676416 bytes), 10 % are used"));
    EXPECT_THAT(joined(usage), HasSubstr("Files: 5 at most, which this filesystem does not count"));
    EXPECT_THAT(joined(usage), HasSubstr("for pods too"));
    usage.backend = QuotaBackend::none;
    EXPECT_THAT(joined(usage), HasSubstr("Counted by this FTPS server"));
    usage.backend.reset();
    usage.used_bytes.reset();
    EXPECT_THAT(joined(usage), HasSubstr("Used:  not known"));
    EXPECT_THAT(joined(Usage{}), HasSubstr("no limit of its own"));
}

TEST(BytesAvailable, IsTheSmallerOfLabAndDisk) {
    EXPECT_EQ(bytes_available(lab(gibibyte, 3 * gibibyte)), 2 * gibibyte);
    EXPECT_EQ(bytes_available(lab(gibibyte, 500 * gibibyte)), 100 * gibibyte);
    EXPECT_EQ(bytes_available(Usage{}), std::nullopt);
}

TEST(AnnouncedRoom, ShrinksAsItArrives) {
    EXPECT_EQ((Announced{10, 20, 5}.to_come()), 25u);
    EXPECT_EQ((Announced{0, 20, 50}.to_come()), 0u);  // more came than was said
}

}  // namespace
}  // namespace stowage::ftps
