// What is believed of a kept hash, and what is not.
// Runs in: tests only.
#include "ftps/worker/hash_attribute.hpp"

#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

class HashAttributeTest : public testing::Test {
  protected:
    void SetUp() override {
        folder.write("file", "content");
        file = open("file");
        if (::fsetxattr(file.get(), HashAttribute::name, "x", 1, 0) != 0)
            GTEST_SKIP() << "the temporary directory has no extended attributes";
    }
    Fd open(const std::string& name) const {
        return Fd(::open((folder.base / name).c_str(), O_RDWR | O_CLOEXEC));
    }
    struct stat seen() const {
        struct stat now {};
        ::fstat(file.get(), &now);
        return now;
    }
    std::string value() const {
        std::string text(100, '\0');
        const auto size = ::fgetxattr(file.get(), HashAttribute::name, text.data(), text.size());
        return text.substr(0, static_cast<std::size_t>(size));
    }
    Folder folder;
    Fd file;
    const HashAttribute::Key key{1, 2, 3};
    const HashAttribute hashes{key};
    const std::string sha256 = std::string(32, 'h');
};

TEST_F(HashAttributeTest, IsBelievedWhereNothingHappened) {
    EXPECT_FALSE(hashes.recall(file));
    hashes.remember(file, seen(), sha256);
    EXPECT_EQ(hashes.recall(file), sha256);
    EXPECT_EQ(HashAttribute(key).recall(file), sha256);
}

TEST_F(HashAttributeTest, FitsIntoAnInodeOfExt4) {
    hashes.remember(file, seen(), sha256);
    EXPECT_EQ(value().size(), 57u);
}

TEST_F(HashAttributeTest, EveryByteCounts) {
    hashes.remember(file, seen(), sha256);
    const auto good = value();
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto forged = good;
        forged[i] ^= 1;
        ASSERT_EQ(::fsetxattr(file.get(), HashAttribute::name, forged.data(), forged.size(), 0), 0);
        EXPECT_FALSE(hashes.recall(file)) << i;
    }
}

TEST_F(HashAttributeTest, AnotherKeyAndAnotherFileAreNotBelieved) {
    hashes.remember(file, seen(), sha256);
    EXPECT_FALSE(HashAttribute(HashAttribute::Key{9}).recall(file));
    folder.write("other", "content");
    const auto other = open("other");
    const auto text = value();
    const auto now = seen();
    const timespec times[2] = {now.st_atim, now.st_mtim};
    ASSERT_EQ(::futimens(other.get(), times), 0);
    ASSERT_EQ(::fsetxattr(other.get(), HashAttribute::name, text.data(), text.size(), 0), 0);
    EXPECT_FALSE(hashes.recall(other));
}

TEST_F(HashAttributeTest, ASizeOrTimeThatIsNotTheHashesIsNotKept) {
    auto old = seen();
    old.st_mtim.tv_nsec ^= 1;
    hashes.remember(file, old, sha256);
    EXPECT_FALSE(hashes.recall(file));
    old = seen();
    ++old.st_size;
    hashes.remember(file, old, sha256);
    EXPECT_FALSE(hashes.recall(file));
}

// Size and mtime are what they were; the ctime is not.
TEST_F(HashAttributeTest, AChangeWhoseTimeWasSetBackIsNotSigned) {
    const auto hashed = seen();
    const timespec times[2] = {{0, UTIME_OMIT}, hashed.st_mtim};
    do {  // the clock of ctimes may not have moved yet
        ASSERT_EQ(::pwrite(file.get(), "C", 1, 0), 1);
        ASSERT_EQ(::futimens(file.get(), times), 0);
    } while (seen().st_ctim.tv_nsec == hashed.st_ctim.tv_nsec);
    ASSERT_TRUE(same_content(seen(), hashed));
    hashes.remember(file, hashed, sha256);
    EXPECT_FALSE(hashes.recall(file));
}

TEST_F(HashAttributeTest, ATouchAfterTheSlackEndsIt) {
    hashes.remember(file, seen(), sha256);
    const auto now = seen();
    // The clock of ctimes has to pass the slack; nothing tells when it does.
    while (true) {
        ASSERT_EQ(::fchmod(file.get(), 0600), 0);
        const auto later = seen();
        const auto passed = (later.st_ctim.tv_sec - now.st_ctim.tv_sec) * 1'000'000'000 +
                            later.st_ctim.tv_nsec - now.st_ctim.tv_nsec;
        if (passed > HashAttribute::ctime_slack_ns) break;
    }
    EXPECT_FALSE(hashes.recall(file));
}

TEST_F(HashAttributeTest, IsKeptThroughOurOwnChangesOnly) {
    hashes.remember(file, seen(), sha256);
    const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
    const auto set_time = [&]() -> Result<void> {
        return ::futimens(file.get(), times) == 0 ? Result<void>() : system_error(errno, "futimens");
    };
    Result<Fd> opened = open("file");
    ASSERT_TRUE(hashes.keep(opened, true, set_time));
    EXPECT_EQ(seen().st_mtim.tv_sec, 1);
    EXPECT_EQ(hashes.recall(file), sha256);
    const auto with_a_write_between = [&]() -> Result<void> {
        return ::pwrite(file.get(), "C", 1, 0) == 1 ? Result<void>() : system_error(errno, "pwrite");
    };
    ASSERT_TRUE(hashes.keep(opened, false, with_a_write_between));
    EXPECT_FALSE(hashes.recall(file));
    EXPECT_TRUE(hashes.keep(Error{Code::denied, "unreadable"}, false, [] { return Result<void>(); }));
}

}  // namespace stowage::ftps
