// The FTPS password file: one line a user, never half written, never forged.
#include "provisioning/storage/password_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "gateway/base/atomic_file.hpp"

namespace stowage::storage {
namespace {

class PasswordFile : public testing::Test {
  protected:
    PasswordFile() : folder_(::mkdtemp(pattern_)), path_(folder_ + "/passwd") {
        if (::geteuid() != 0) skip_ = true;
    }
    ~PasswordFile() override { std::filesystem::remove_all(folder_); }
    void SetUp() override {
        if (skip_) GTEST_SKIP() << "the file is given to root";
    }
    char pattern_[32] = "/tmp/stowage-passwd-XXXXXX";
    std::string folder_, path_;
    bool skip_ = false;
};

TEST_F(PasswordFile, SetReplacesAndRemoveTakesOneLine) {
    ASSERT_TRUE(set_password_hash(path_, "alice", "$y$a"));
    ASSERT_TRUE(set_password_hash(path_, "alicia", "$y$b"));
    ASSERT_TRUE(set_password_hash(path_, "alice", "$y$c"));
    EXPECT_EQ(*read_file(path_), "alicia:$y$b\nalice:$y$c\n");
    ASSERT_TRUE(remove_password_hash(path_, "alice"));
    ASSERT_TRUE(remove_password_hash(path_, "alice"));
    EXPECT_EQ(*read_file(path_), "alicia:$y$b\n");
    struct stat info {};
    ::stat(path_.c_str(), &info);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(PasswordFile, HashOrNameThatWouldForgeALineIsRefused) {
    EXPECT_FALSE(set_password_hash(path_, "alice", "$y$a\nroot:$y$b"));
    EXPECT_FALSE(set_password_hash(path_, "alice", "$y$a:0"));
    EXPECT_FALSE(set_password_hash(path_, "al:ice", "$y$a"));
    EXPECT_FALSE(set_password_hash(path_, "alice", "plain"));
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PasswordFile, WeakAndUnknownMethodsAreRefused) {
    for (const auto* hash :
         {"", "$", "$1$abcdefgh$ijk", "$3$abc", "abJnggxhB/yWI", "*", "!", "$y$a b", "$y$a\x80"})
        EXPECT_EQ(set_password_hash(path_, "alice", hash).error().code, Code::invalid) << hash;
    EXPECT_FALSE(set_password_hash(path_, "alice", "$y$" + std::string(300, 'a')));
    for (const auto* hash : {"$y$j9T$a$b", "$7$a", "$2b$10$abc", "$6$rounds=5000$a$b", "$5$a$b"})
        EXPECT_TRUE(set_password_hash(path_, "alice", hash)) << hash;
}

TEST_F(PasswordFile, SayingTheSameAgainWritesNothing) {
    ASSERT_TRUE(set_password_hash(path_, "alice", "$y$a"));
    ASSERT_TRUE(set_password_hash(path_, "bob", "$y$b"));
    struct stat before {};
    ::stat(path_.c_str(), &before);
    ASSERT_TRUE(set_password_hash(path_, "alice", "$y$a"));
    ASSERT_TRUE(remove_password_hash(path_, "carol"));
    struct stat after {};
    ::stat(path_.c_str(), &after);
    EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(PasswordFile, HashesOfAKilledWriterAreTakenAway) {
    ASSERT_TRUE(write_atomically(folder_ + "/.passwd.a1B2c3", "alice:$y$secret\n"));
    ASSERT_TRUE(write_atomically(folder_ + "/.passwd.longer-than-that", "kept\n"));
    ASSERT_TRUE(set_password_hash(path_, "bob", "$y$b"));
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/.passwd.a1B2c3"));
    EXPECT_TRUE(std::filesystem::exists(folder_ + "/.passwd.longer-than-that"));
}

TEST_F(PasswordFile, DuplicateAndBrokenLinesOfAnotherHandAreSurvived) {
    ASSERT_TRUE(write_atomically(path_, "alice:$y$1\n\nalice:$y$2\nno colon\nalicia:$y$3"));
    ASSERT_TRUE(set_password_hash(path_, "alice", "$y$4"));
    EXPECT_EQ(*read_file(path_), "no colon\nalicia:$y$3\nalice:$y$4\n");
}

TEST_F(PasswordFile, ParallelChangesLoseNobody) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([this, t] {
            for (int i = 0; i < 5; ++i)
                EXPECT_TRUE(set_password_hash(path_, "user" + std::to_string(t * 5 + i), "$y$a"));
        });
    for (auto& thread : threads)
        thread.join();
    const auto text = *read_file(path_);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 40);
}

}  // namespace
}  // namespace stowage::storage
