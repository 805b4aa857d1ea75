// The file that keeps new passwords.
#include "gateway/cli/secrets_file.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include "gateway/base/atomic_file.hpp"

namespace stowage::cli {
namespace {

class SecretsFileTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "stowage-secrets-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        path_ = directory_ + "/secrets";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string directory_, path_;
};

TEST_F(SecretsFileTest, IsPrivateAndHoldsLines) {
    {
        auto file = SecretsFile::create(path_);
        ASSERT_TRUE(file);
        struct stat info {};
        ASSERT_EQ(::stat(path_.c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0600u);
        EXPECT_TRUE(file->add("alice", "lab1", Secret("one")));
        EXPECT_TRUE(file->add("bob", "", Secret("two")));
    }
    EXPECT_EQ(read_file(path_).value(), "alice lab1 one\nbob - two\n");
}

TEST_F(SecretsFileTest, GoesAwayEmpty) {
    {
        auto file = SecretsFile::create(path_);
        ASSERT_TRUE(file);
        const auto moved = std::move(*file);
        EXPECT_TRUE(std::filesystem::exists(path_));
    }
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SecretsFileTest, GoesAwayWhenDiscarded) {
    auto file = SecretsFile::create(path_);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->add("alice", "lab1", Secret("one")));
    file->discard();
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SecretsFileTest, SaysWhatToDoWithoutItsFolder) {
    const auto file = SecretsFile::create(directory_ + "/nowhere/secrets");
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().remedy, "make its folder first, or name a file in one that is there");
}

TEST_F(SecretsFileTest, OverwritesNothing) {
    ASSERT_TRUE(write_atomically(path_, "precious", {::getuid(), ::getgid(), 0600}));
    const auto file = SecretsFile::create(path_);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Code::exists);
    std::filesystem::remove(path_);
    std::filesystem::create_symlink(directory_ + "/target", path_);
    EXPECT_FALSE(SecretsFile::create(path_));
    EXPECT_FALSE(std::filesystem::exists(directory_ + "/target"));
    EXPECT_EQ(SecretsFile::create("/no/such/place").error().code, Code::not_found);
}

/// No file of this process grows beyond so many bytes: as on a full disk, or over a quota.
class FullDisk {
  public:
    explicit FullDisk(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        auto small = before_;
        small.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, handler_);
    }

  private:
    rlimit before_{};
    sighandler_t handler_;
};

TEST_F(SecretsFileTest, KeepsWhatIsInItWhenTheDiskIsFull) {
    const std::string first = "alice lab1 one\n";
    {
        auto file = SecretsFile::create(path_);
        ASSERT_TRUE(file);
        ASSERT_TRUE(file->add("alice", "lab1", Secret("one")));
        Result<void> second;
        {
            const FullDisk full(first.size() + 3);  // three bytes of the next line still fit
            second = file->add("bob", "lab1", Secret("two"));
        }
        ASSERT_FALSE(second);
        EXPECT_THAT(second.error().what, testing::HasSubstr(path_));
        ASSERT_TRUE(std::filesystem::exists(path_));
        EXPECT_EQ(read_file(path_).value(), first);
        EXPECT_TRUE(file->add("carol", "lab1", Secret("three")));
    }
    EXPECT_EQ(read_file(path_).value(), first + "carol lab1 three\n");
}

TEST_F(SecretsFileTest, GoesAwayWhenItsFirstLineDoesNotFit) {
    {
        auto file = SecretsFile::create(path_);
        ASSERT_TRUE(file);
        const FullDisk full(3);
        EXPECT_FALSE(file->add("alice", "lab1", Secret("one")));
    }
    EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace stowage::cli
