// Real quotas: a btrfs subvolume with a limit, on a loop device.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <atomic>
#include <filesystem>

#include "provisioning/storage/quota.hpp"
#include "tests/system/storage/filesystem_rig.hpp"
#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::uint64_t mebibyte = 1 << 20, limit = 64 * mebibyte;

class BtrfsQuota : public storage::FilesystemRig {
  protected:
    void SetUp() override {
        FilesystemRig::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(storage::run("btrfs subvolume create " + root_ + "/lab1"));
        lab_ = Fd(::open((root_ + "/lab1").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_TRUE(storage::set_quota(message::QuotaBackend::btrfs, lab_, {limit}));
    }
    void TearDown() override {
        lab_.reset();
        FilesystemRig::TearDown();
    }
    Rig::Options options() {
        Rig::Options options;
        options.directory = root_ + "/lab1";
        options.quota_bytes = limit;
        options.usage = [this] {
            message::LabUsage usage;
            const auto state = storage::read_quota(message::QuotaBackend::btrfs, lab_);
            if (!state) {
                usage.code = static_cast<std::uint16_t>(state.error().code);
                return usage;
            }
            usage.backend = message::QuotaBackend::btrfs;
            usage.limit_bytes = state->limit_bytes;
            usage.used_bytes = state->used_bytes;
            return usage;
        };
        return options;
    }
    static std::string some(std::uint64_t mib) { return std::string(mib * mebibyte, 'x'); }

    Fd lab_;
};

// Taken out one by one (the new look in refuse_full(), the sync before it, clean_up()): each fails.
TEST_P(BtrfsQuota, EdquotIs552WithNewNumbersAndTheOldFileStays) {
    Rig rig(options());
    auto alice = rig.login();
    ASSERT_EQ(rig.store(alice, "STOR model", some(8)).code, 226);
    const auto refused = rig.store(alice, "STOR model", some(100));
    EXPECT_EQ(refused.code, 552);
    EXPECT_THAT(refused.text, HasSubstr("the lab's limit is reached after "));
    EXPECT_THAT(refused.text, HasSubstr("8.0"));  // 8 MiB and a little metadata, not what was taken back
    EXPECT_THAT(refused.text, HasSubstr("MiB of 64MiB are used, 55."));
    EXPECT_EQ(rig.content("/model").size(), 8 * mebibyte);
    EXPECT_EQ(rig.staged(), 0u);
    // And at once again, without anybody waiting for a transaction.
    EXPECT_EQ(rig.store(alice, "STOR other", some(40)).code, 226);
}

// curl, lftp and others send on until they look for the reply: a reset is all that they would hear.
// Taken out (throw_away_rest()): this fails.
TEST_P(BtrfsQuota, WhoSendsOnHearsTheRefusalAndNoReset) {
    Rig rig(options());
    auto alice = rig.login();
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR set").code, 150);
    ASSERT_TRUE(data.handshake());
    EXPECT_TRUE(data.write(some(200)));
    EXPECT_EQ(alice.control->read().code, 552);
    data.cut();
    EXPECT_EQ(rig.store(alice, "STOR small", some(1)).code, 226) << "the session goes on";
}

// Taken out one by one (clean_up(), the sync before the numbers are read): each fails.
TEST_P(BtrfsQuota, AFullLabCanBeEmptiedOverFtpsAndTakesUploadsAtOnce) {
    Rig rig(options());
    auto alice = rig.login();
    int stored = 0;
    Reply last;
    while (stored < 40 && (last = rig.store(alice, "STOR f" + std::to_string(stored), some(4))).code == 226)
        ++stored;
    EXPECT_EQ(last.code, 552) << last.text;
    EXPECT_GE(stored, 12);
    EXPECT_EQ(rig.store(alice, "STOR again", some(4)).code, 552);
    EXPECT_EQ(rig.staged(), 0u);
    ASSERT_EQ(alice.control->ask("DELE f0").code, 250);
    ASSERT_EQ(alice.control->ask("DELE f1").code, 250);
    ASSERT_EQ(alice.control->ask("ALLO " + std::to_string(4 * mebibyte)).code, 200);
    EXPECT_EQ(rig.store(alice, "STOR again", some(4)).code, 226);
    EXPECT_EQ(rig.content("/again").size(), 4 * mebibyte);
}

// Taken out (the sync before the numbers are read): this fails.
TEST_P(BtrfsQuota, AlloSeesWhatAPodWroteAMomentAgo) {
    Rig rig(options());
    auto alice = rig.login();
    ASSERT_EQ(alice.control->ask("ALLO " + std::to_string(20 * mebibyte)).code, 200);
    rig.write_as_pod("/of-a-pod", some(40));
    const auto refused = alice.control->ask("ALLO " + std::to_string(30 * mebibyte));
    EXPECT_EQ(refused.code, 552) << refused.text;
    EXPECT_THAT(refused.text, HasSubstr("MiB of 64MiB are used"));
    fs::remove(rig.lab() / "of-a-pod");
    EXPECT_EQ(alice.control->ask("ALLO " + std::to_string(30 * mebibyte)).code, 200);
}

// The limit is the kernel's. Taken out (clean_up()): what was refused stays, and takes the room of others.
TEST_P(BtrfsQuota, ParallelUploadsAndRestartsDoNotPassTheLimit) {
    Rig rig(options());
    std::vector<Rig::Login> logins;
    for (int i = 0; i < 4; ++i)
        logins.push_back(rig.login());
    std::atomic<int> stored{0}, refused{0};
    std::vector<std::thread> uploads;
    for (int i = 0; i < 4; ++i)
        uploads.emplace_back([&, i] {
            const auto reply = rig.store(logins[i], "STOR set" + std::to_string(i), some(30));
            stored += reply.code == 226;
            refused += reply.code == 552;
        });
    for (auto& upload : uploads)
        upload.join();
    EXPECT_LE(stored, 2);
    EXPECT_EQ(stored + refused, 4);
    EXPECT_EQ(rig.staged(), 0u);
    std::uint64_t held = 0;
    for (const auto& name : rig.visible())
        held += fs::file_size(rig.lab() / name);
    EXPECT_LE(held, limit);
}

// A full btrfs refuses to truncate (EDQUOT), so the whole partial goes: what counts is that there is room
// again.
// Taken out (take_back() leaves what it cannot truncate): this fails.
TEST_P(BtrfsQuota, AnInterruptedUploadThatFindsNoRoomLeavesTheLabUsable) {
    Rig rig(options());
    auto alice = rig.login();
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOR big").code, 150);
    ASSERT_TRUE(data.handshake());
    data.write(some(10));
    data.cut();
    ASSERT_EQ(alice.control->read().code, 426);
    EXPECT_EQ(rig.store(alice, "APPE big", some(80)).code, 552);
    EXPECT_LE(rig.staged(), 1u);
    EXPECT_EQ(rig.store(alice, "STOR other", some(40)).code, 226);
}

INSTANTIATE_TEST_SUITE_P(On, BtrfsQuota, testing::Values("btrfs"), storage::name_of_parameter);

}  // namespace
}  // namespace stowage::ftps::rig
