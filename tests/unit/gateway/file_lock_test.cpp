// Locks are waited for, but not for ever.
#include "gateway/base/file_lock.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace stowage {
namespace {

using std::chrono::seconds;

class FileLock : public testing::Test {
  protected:
    FileLock() : folder_(::mkdtemp(pattern_)), path_(folder_ + "/lock") {}
    ~FileLock() override { std::filesystem::remove_all(folder_); }
    char pattern_[32] = "/tmp/stowage-lock-XXXXXX";
    std::string folder_, path_;
};

TEST_F(FileLock, IsHeldUntilLetGoAndTheWaitIsBounded) {
    auto held = lock_file(path_, Lock::exclusive, seconds(1));
    ASSERT_TRUE(held);
    const auto start = std::chrono::steady_clock::now();
    const auto refused = lock_file(path_, Lock::exclusive, seconds(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_GE(std::chrono::steady_clock::now() - start, seconds(1));
    EXPECT_FALSE(lock_file(path_, Lock::shared, seconds(0)));
    held->reset();
    EXPECT_TRUE(lock_file(path_, Lock::exclusive, seconds(1)));
}

TEST_F(FileLock, ReadersShareIt) {
    const auto one = lock_file(path_, Lock::shared, seconds(1));
    const auto two = lock_file(path_, Lock::shared, seconds(0));
    EXPECT_TRUE(one && two);
    EXPECT_FALSE(lock_file(path_, Lock::exclusive, seconds(0)));
}

TEST_F(FileLock, LinkInItsPlaceIsRefused) {
    std::filesystem::create_symlink(folder_ + "/target", path_);
    EXPECT_FALSE(lock_file(path_, Lock::exclusive, seconds(0)));
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/target"));
}

}  // namespace
}  // namespace stowage
