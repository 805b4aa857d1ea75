// What was set is told, what pods forge is not, and listings ask only when they are asked.
// Runs in: tests only.
#include "ftps/worker/creation_time.hpp"

#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <ctime>

#include "ftps/worker/directory_stats.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

class CreationTime : public testing::Test {
  protected:
    void SetUp() override {
        folder.write("lab/set", "x");
        if (!set_creation_time(open("set"), "/set", 1))
            GTEST_SKIP() << "the temporary directory has no extended attributes";
    }
    Fd open(const std::string& name) const {
        return Fd(::open((folder.lab / name).c_str(), O_RDONLY | O_CLOEXEC));
    }
    std::optional<std::int64_t> told(const char* name) const {
        const auto directory = open(".");
        struct stat seen {};
        if (::fstatat(directory.get(), name, &seen, AT_SYMLINK_NOFOLLOW) != 0) return {};
        return creation_time(directory.get(), name, seen);
    }
    Folder folder;
};

TEST_F(CreationTime, IsWhatWasSet) {
    // The year 0 and the year 9999 too.
    for (const std::int64_t time : {1577934245l, -1l, -62167219200l, 253402300799l}) {
        ASSERT_TRUE(set_creation_time(open("set"), "/set", time));
        EXPECT_EQ(told("set"), time);
    }
    const auto directory = open(".");
    ASSERT_TRUE(set_creation_time(directory, "/", 5));
    EXPECT_EQ(told("."), 5);
}

TEST_F(CreationTime, IsTheFilesystemsWhereNothingWasSetOrSomethingForged) {
    folder.write("lab/made", "x");
    struct statx known {};
    ASSERT_EQ(::statx(AT_FDCWD, (folder.lab / "made").c_str(), 0, STATX_BTIME, &known), 0);
    if (!(known.stx_mask & STATX_BTIME)) GTEST_SKIP() << "this filesystem keeps no time of creation";
    EXPECT_EQ(told("made"), known.stx_btime.tv_sec);
    for (const std::string& forged : {std::string("20200102030405.5"), std::string("2020010203040"),
                                      std::string("20201302030405"), std::string("2020010203040\n"),
                                      std::string("2020\0"
                                                  "0102030405",
                                                  15),
                                      std::string(60'000, '1'), std::string()}) {
        if (::setxattr((folder.lab / "made").c_str(), creation_attribute, forged.data(), forged.size(), 0) !=
            0)
            continue;  // ext4 takes no long ones
        EXPECT_EQ(told("made"), known.stx_btime.tv_sec) << forged.substr(0, 20);
    }
    ASSERT_EQ(::symlink("set", (folder.lab / "link").c_str()), 0);
    EXPECT_NE(told("link"), 1) << "the link was followed";
    EXPECT_GT(told("link"), 1577934245);
}

TEST_F(CreationTime, GoesAlongWithTheContent) {
    folder.write("lab/copy", "x");
    keep_creation_time(open("set"), open("copy"));
    EXPECT_EQ(told("copy"), 1);
}

TEST_F(CreationTime, CostsAListingNothingUnlessItIsAskedFor) {
    for (const bool dated : {false, true}) {
        auto entries = DirectoryStats::of(open("."), "/", dated);
        ASSERT_TRUE(entries);
        const auto batch = entries->next();
        ASSERT_TRUE(batch);
        ASSERT_EQ(batch->size(), 1u);
        EXPECT_EQ((*batch)[0].created, dated ? std::optional<std::int64_t>(1) : std::nullopt);
    }
}

}  // namespace stowage::ftps
