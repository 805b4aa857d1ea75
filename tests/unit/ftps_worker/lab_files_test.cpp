// Paths on a real filesystem: nothing leads out, here where no chroot helps.
// Runs in: tests only.
#include "ftps/worker/lab_files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

class LabFilesTest : public testing::Test {
  protected:
    void SetUp() override {
        folder.write("outside", "secret");
        fs::create_directory(folder.base / "other");
        folder.write("other/file", "secret");
    }
    Folder folder;
    LabFiles files{folder.root(), "/mnt/nfs"};
};

// Taken out (RESOLVE_BENEATH): this fails.
TEST_F(LabFilesTest, LinksLeadNowhereOutside) {
    fs::create_symlink("../outside", folder.lab / "up");
    fs::create_symlink(folder.base / "outside", folder.lab / "absolute");
    fs::create_symlink("../other", folder.lab / "dir");
    EXPECT_FALSE(files.open_for_reading("/up"));
    EXPECT_FALSE(files.open_for_reading("/absolute"));
    EXPECT_FALSE(files.open_for_reading("/dir/file"));
    EXPECT_FALSE(files.open_directory("/dir"));
    EXPECT_FALSE(files.make_directory("/dir/made"));
    EXPECT_FALSE(files.remove_file("/dir/file"));
    EXPECT_FALSE(files.rename("/dir/file", "/stolen"));
    EXPECT_FALSE(files.stat("/up"));
    EXPECT_TRUE(files.lstat("/up"));
    EXPECT_EQ(files.open_for_reading("/up").error().code, Code::denied);
    EXPECT_EQ(folder.read("other/file"), "secret");
}

TEST_F(LabFilesTest, LinksInsideAreFollowed) {
    folder.write("lab/file", "x");
    fs::create_directory(folder.lab / "d");
    fs::create_symlink("../file", folder.lab / "d/link");
    EXPECT_TRUE(files.open_for_reading("/d/link"));
    EXPECT_TRUE(files.remove_file("/d/link"));
    EXPECT_EQ(folder.read("lab/file"), "x");
}

// Taken out (RESOLVE_BENEATH): this fails.
TEST_F(LabFilesTest, ADirectorySwappedForALinkNeverLeadsOut) {
    fs::create_directory(folder.lab / "d");
    folder.write("lab/d/file", "mine");
    fs::create_symlink("../other", folder.lab / "l");
    std::atomic<bool> stop = false;
    std::thread peer([&] {
        const auto a = (folder.lab / "d").string(), b = (folder.lab / "l").string();
        while (!stop)
            (void)::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
    });
    int good = 0, stolen = 0;
    for (int i = 0; i < 20000; ++i) {
        const auto file = files.open_for_reading("/d/file");
        if (!file) continue;
        char bytes[6] = {};
        const auto size = ::read(file->get(), bytes, sizeof bytes);
        std::string_view(bytes, static_cast<std::size_t>(size)) == "mine" ? ++good : ++stolen;
    }
    stop = true;
    peer.join();
    EXPECT_EQ(stolen, 0);
    EXPECT_GT(good, 0);
}

TEST_F(LabFilesTest, TheAliasIsTheRootUnlessItExists) {
    EXPECT_EQ(files.locate("/", "/mnt/nfs/a").value(), "/a");
    EXPECT_EQ(files.locate("/", "mnt/nfs").value(), "/");
    EXPECT_FALSE(files.locate("/", "/mnt/nfs/.stowage/x"));
    fs::create_directories(folder.lab / "mnt/nfs");
    EXPECT_EQ(files.locate("/", "/mnt/nfs/a").value(), "/mnt/nfs/a");
}

TEST_F(LabFilesTest, OnlyPlainFilesAreRead) {
    ASSERT_EQ(::mkfifo((folder.lab / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(files.open_for_reading("/fifo").error().code, Code::denied);
    EXPECT_EQ(files.open_for_reading("/").error().code, Code::denied);
    EXPECT_EQ(files.open_for_reading("/none").error().code, Code::not_found);
}

TEST_F(LabFilesTest, OursHasNoOtherName) {
    ASSERT_TRUE(files.open_staging());
    fs::create_symlink(".stowage", folder.lab / "alias");
    fs::create_symlink(".", folder.lab / "self");
    EXPECT_FALSE(files.open_directory("/alias"));
    EXPECT_FALSE(files.open_directory("/alias/partials"));
    EXPECT_FALSE(files.rename("/self/.stowage", "/mine"));
    EXPECT_FALSE(files.make_directory("/alias/partials/x"));
    EXPECT_FALSE(files.remove_directory("/.stowage"));
    EXPECT_TRUE(files.open_directory("/self"));
}

TEST_F(LabFilesTest, StagingIsNeverALink) {
    fs::create_directory_symlink("../other", folder.lab / ".stowage");
    EXPECT_FALSE(files.open_staging());
    EXPECT_EQ(fs::exists(folder.base / "other/partials"), false);
}

TEST_F(LabFilesTest, ErrorsSayWhatAndWhatToDo) {
    EXPECT_EQ(files.make_directory("/").error().code, Code::exists);
    EXPECT_EQ(files.remove_directory("/none").error().code, Code::not_found);
    fs::create_directories(folder.lab / "full/x");
    EXPECT_EQ(files.remove_directory("/full").error().text(),
              "/full: the directory is not empty; remove what is in it first");
}

}  // namespace stowage::ftps
