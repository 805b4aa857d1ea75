// A disk that loses what was written to it, for a while: what the kernel tells once must not be missed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t mebibyte = 1 << 20;

bool run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

/// An ext4 on thin storage: its image lies in a tmpfs, which may have no room for another block of it.
/// Without a journal, which would end all writing at the first error.
class ThinDisk {
  public:
    ThinDisk() {
        char pattern[] = "/var/tmp/stowage-thin.XXXXXX";
        folder_ = ::mkdtemp(pattern);
        fs::permissions(folder_, fs::perms::others_exec, fs::perm_options::add);
        fs::create_directory(pool());
        fs::create_directory(lab());
        pool_mounted_ = run("mount -t tmpfs -o size=1G stowage-thin " + pool());
        mounted_ = pool_mounted_ && run("truncate -s 1G " + pool() + "/image") &&
                   run("mkfs.ext4 -q -O ^has_journal " + pool() + "/image") &&
                   run("mount -o loop " + pool() + "/image " + lab());
    }
    ~ThinDisk() {
        have_room_for(1024 * mebibyte);
        if (mounted_) run("umount " + lab());
        if (pool_mounted_) run("umount " + pool());
        fs::remove_all(folder_);
    }
    bool mounted() const { return mounted_; }
    std::string lab() const { return folder_ + "/lab"; }
    /// More than there is now.
    void have_room_for(std::uint64_t bytes) {
        const auto space = fs::space(pool());
        run("mount -o remount,size=" + std::to_string(space.capacity - space.free + bytes) + " " + pool());
    }

  private:
    std::string pool() const { return folder_ + "/pool"; }

    std::string folder_;
    bool pool_mounted_ = false, mounted_ = false;
};

class FailingDisk : public testing::Test {
  protected:
    void SetUp() override {
        if (!disk.mounted()) GTEST_SKIP() << "no ext4 on a loop device here";
        Rig::Options options;
        options.directory = disk.lab();
        rig.emplace(options);
        alice = rig->login();
        // Its directories and the first inodes are on the disk then.
        ASSERT_EQ(rig->store(alice, "STOR warm", "warm").code, 226);
    }
    void begin() {
        data.emplace(Rig::epsv(*alice.control), "127.0.0.1", mint(rig->key(), alice.nonce, tls13), tls13);
        ASSERT_EQ(alice.control->ask("STOR set").code, 150);
        ASSERT_TRUE(data->handshake());
    }
    /// False if the worker takes no more.
    bool send(std::size_t mebibytes) {
        const std::string some(mebibyte, 'x');
        for (std::size_t sent = 0; sent < mebibytes; ++sent)
            if (!data->write(some)) return false;
        return true;
    }
    void await(std::size_t mebibytes) {
        ASSERT_TRUE(comes_true([&] {
            return alice.control->ask("STAT").text.find(std::to_string(mebibytes * mebibyte) + " bytes") !=
                   std::string::npos;
        }));
    }

    ThinDisk disk;
    std::optional<Rig> rig;
    Rig::Login alice;
    std::optional<Data> data;
};

}  // namespace

// Seen to fail when sync_file_range(2)'s errors were left for fsync(2) to tell, which tells each of them
// once: 226.
TEST_F(FailingDisk, AnUploadOfWhichBytesWereLostOnTheWayIsNotSaidToBeSafe) {
    begin();
    disk.have_room_for(24 * mebibyte);
    const bool all = send(160);
    disk.have_room_for(600 * mebibyte);
    if (all && send(96)) data->finish();
    const auto said = alice.control->read(60);
    EXPECT_EQ(said.code, 451) << said.text;
    EXPECT_EQ(rig->visible(), (std::vector<std::string>{"lost+found", "warm"}));
    EXPECT_EQ(rig->staged(), 0u) << "nobody can say from where it could go on";
    EXPECT_EQ(rig->store(alice, "STOR set", "anew").code, 226);
}

// Seen to fail when only a complete upload was asked about: REST went on behind what was lost.
TEST_F(FailingDisk, AnInterruptedUploadOfWhichBytesWereLostCannotBeGoneOnWith) {
    begin();
    disk.have_room_for(24 * mebibyte);
    ASSERT_TRUE(send(48));
    await(48);
    data->tear();
    const auto said = alice.control->read(60);
    EXPECT_EQ(said.code, 451) << said.text;
    EXPECT_EQ(rig->staged(), 0u);
    disk.have_room_for(600 * mebibyte);
    EXPECT_EQ(alice.control->ask("SIZE set").code, 550);
}

TEST_F(FailingDisk, AnInterruptedUploadThatIsWholeOnTheDiskCanBeGoneOnWith) {
    begin();
    ASSERT_TRUE(send(48));
    await(48);
    data->tear();
    EXPECT_EQ(alice.control->read(60).code, 426);
    EXPECT_EQ(alice.control->ask("REST " + std::to_string(48 * mebibyte)).code, 350);
    EXPECT_EQ(rig->store(alice, "STOR set", "the rest").code, 226);
}

}  // namespace stowage::ftps::rig
