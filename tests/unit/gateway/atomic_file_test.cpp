// Files that are the old text or the new one.
#include "gateway/base/atomic_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace stowage {
namespace {

class AtomicFile : public testing::Test {
  protected:
    AtomicFile() : folder_(::mkdtemp(pattern_)) {}
    ~AtomicFile() override { std::filesystem::remove_all(folder_); }
    FileOwner me(mode_t mode) const { return {::getuid(), ::getgid(), mode}; }
    std::size_t entries() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
    }
    char pattern_[32] = "/tmp/stowage-file-XXXXXX";
    std::string folder_;
};

TEST_F(AtomicFile, ReplacesTextAndSetsMode) {
    const auto path = folder_ + "/a";
    ASSERT_TRUE(write_atomically(path, "one", me(0600)));
    ASSERT_TRUE(write_atomically(path, "two", me(0640)));
    EXPECT_EQ(*read_file(path), "two");
    struct stat info {};
    ::stat(path.c_str(), &info);
    EXPECT_EQ(info.st_mode & 0777, 0640u);
    EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFile, FailureLeavesTheOldTextAndNoTemporary) {
    const auto path = folder_ + "/a";
    ::mkdir(path.c_str(), 0700);  // rename onto a directory fails
    EXPECT_FALSE(write_atomically(path, "two", me(0600)));
    EXPECT_EQ(entries(), 1u);
    EXPECT_FALSE(write_atomically(folder_ + "/none/a", "x", me(0600)));
}

TEST_F(AtomicFile, ReadRefusesMoreThanTheLimit) {
    const auto path = folder_ + "/a";
    ASSERT_TRUE(write_atomically(path, std::string(100, 'x'), me(0600)));
    EXPECT_FALSE(read_file(path, 99));
    EXPECT_TRUE(read_file(path, 100));
    EXPECT_EQ(read_file(folder_ + "/none").error().code, Code::not_found);
}

TEST_F(AtomicFile, RemoveOfWhatIsNotThereIsDone) {
    EXPECT_TRUE(remove_durably(folder_ + "/none"));
}

}  // namespace
}  // namespace stowage
