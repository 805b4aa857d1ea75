// Blocks behind the end of uploads (ftps/worker/room_ahead.hpp), in a real worker on a real ext4: they go
// however an upload ends.
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <filesystem>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t sent = 9 * mebibyte;

struct stat look(const fs::path& path) {
    struct stat seen {};
    EXPECT_EQ(::stat(path.c_str(), &seen), 0) << path;
    return seen;
}

/// In MiB: blocks of attributes do not show.
std::uint64_t held(const fs::path& path) {
    return static_cast<std::uint64_t>(look(path).st_blocks) * 512 / mebibyte;
}

}  // namespace

class RoomAheadOfUploads : public testing::Test {
  protected:
    void SetUp() override {
        struct statfs seen {};
        ASSERT_EQ(::statfs(rig.lab().c_str(), &seen), 0);
        if (seen.f_type != EXT4_SUPER_MAGIC) GTEST_SKIP() << rig.lab() << " is not on ext4";
        if (static_cast<std::uint64_t>(seen.f_bavail) * static_cast<std::uint64_t>(seen.f_bsize) < 2ull << 30)
            GTEST_SKIP() << "less than 2 GiB are left for " << rig.lab();
    }

    fs::path staged() const { return fs::directory_iterator(rig.lab() / ".stowage/partials")->path(); }
    /// An upload that has brought so much, and has taken more; it stays under way.
    void begin(const std::string& command) {
        data = std::make_unique<Data>(Rig::epsv(*alice.control), "127.0.0.1",
                                      mint(rig.key(), alice.nonce, tls13), tls13);
        ASSERT_EQ(alice.control->ask(command).code, 150);
        ASSERT_TRUE(data->handshake());
        ASSERT_TRUE(data->write(std::string(sent, 'x')));
        ASSERT_TRUE(comes_true([this] { return held(staged()) >= 12; })) << "nothing was taken ahead";
    }

    Rig rig;
    Rig::Login alice = rig.login();
    std::unique_ptr<Data> data;
};

TEST_F(RoomAheadOfUploads, IsGivenBackBeforeTheFileIsPublished) {
    ASSERT_NO_FATAL_FAILURE(begin("STOR set"));
    data->finish();
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_EQ(look(rig.lab() / "set").st_size, static_cast<off_t>(sent));
    EXPECT_EQ(held(rig.lab() / "set"), 9u);
}

TEST_F(RoomAheadOfUploads, IsGivenBackWhenItBreaksOffAndTakenAnewWhenItGoesOn) {
    ASSERT_NO_FATAL_FAILURE(begin("STOR set"));
    data->tear();
    EXPECT_EQ(alice.control->read().code, 426);
    EXPECT_EQ(held(staged()), static_cast<std::uint64_t>(look(staged()).st_size) / mebibyte);
    EXPECT_EQ(alice.control->ask("REST 1000").code, 350);
    ASSERT_NO_FATAL_FAILURE(begin("STOR set"));
    data->finish();
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_EQ(look(rig.lab() / "set").st_size, static_cast<off_t>(1000 + sent));
    EXPECT_EQ(held(rig.lab() / "set"), 9u);
}

TEST_F(RoomAheadOfUploads, IsGivenBackWhenItIsAborted) {
    ASSERT_NO_FATAL_FAILURE(begin("STOR set"));
    EXPECT_EQ(alice.control->ask("ABOR").code, 426);
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_EQ(held(staged()), 9u);
}

// A worker that was killed gives nothing back: the next one does.
TEST_F(RoomAheadOfUploads, IsGivenBackByTheNextWorkerWhenThisOneDies) {
    ASSERT_NO_FATAL_FAILURE(begin("STOR set"));
    rig.kill();
    ASSERT_GE(held(staged()), 12u);
    rig.start();
    alice = rig.login();
    EXPECT_EQ(alice.control->ask("SIZE set").text, "213 " + std::to_string(sent) + "\r\n");
    EXPECT_EQ(held(staged()), 9u);
}

}  // namespace stowage::ftps::rig
