// Nothing below a lab's directory is followed, waited for or written twice.
#include "provisioning/storage/beneath.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace stowage::storage {
namespace {

class Beneath : public testing::Test {
  protected:
    Beneath()
        : folder_(::mkdtemp(pattern_)), fd_(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
    ~Beneath() override { std::filesystem::remove_all(folder_); }
    char pattern_[32] = "/tmp/stowage-beneath-XXXXXX";
    std::string folder_;
    Fd fd_;
};

TEST_F(Beneath, LinksAndWaysOutAreRefused) {
    std::filesystem::create_directory(folder_ + "/real");
    std::ofstream(folder_ + "/real/file") << "x";
    std::filesystem::create_directory_symlink("real", folder_ + "/link");
    std::filesystem::create_symlink("/etc/passwd", folder_ + "/real/out");
    EXPECT_TRUE(open_beneath(fd_, "real/file", O_RDONLY));
    for (const auto* name : {"link", "link/file", "real/out", "..", "real/../..", "/etc/passwd"})
        EXPECT_FALSE(open_beneath(fd_, name, O_RDONLY)) << name;
    EXPECT_EQ(open_beneath(fd_, "none", O_RDONLY).error().code, Code::not_found);
}

TEST_F(Beneath, FifoIsNotWaitedFor) {
    ASSERT_EQ(::mkfifo((folder_ + "/fifo").c_str(), 0600), 0);
    EXPECT_TRUE(open_beneath(fd_, "fifo", O_RDONLY));  // returns at once; a FIFO is not a marker's content
    EXPECT_FALSE(open_beneath(fd_, "fifo", O_RDONLY | O_DIRECTORY));
}

TEST_F(Beneath, NamesAreListedUpToALimitAndTwice) {
    for (const auto* name : {"a", "b", "c\n"})
        std::ofstream(folder_ + "/" + name) << "x";
    EXPECT_EQ(names_in(fd_, 10)->size(), 3u);
    EXPECT_EQ(names_in(fd_, 10)->size(), 3u);
    EXPECT_EQ(names_in(fd_, 2)->size(), 2u);
}

TEST_F(Beneath, OwnerAndModeAreWrittenOnlyWhereTheyDiffer) {
    if (::geteuid() != ::getegid()) GTEST_SKIP() << "the rule is uid = gid";
    ASSERT_TRUE(set_owner_and_mode(fd_, ::geteuid(), 02770, "it"));
    struct stat before {};
    ::fstat(fd_.get(), &before);
    EXPECT_EQ(before.st_mode & 07777, 02770u);
    ASSERT_TRUE(set_owner_and_mode(fd_, ::geteuid(), 02770, "it"));
    struct stat after {};
    ::fstat(fd_.get(), &after);
    EXPECT_EQ(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
}

}  // namespace
}  // namespace stowage::storage
