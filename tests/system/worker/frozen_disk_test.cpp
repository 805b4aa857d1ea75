// What is on disk when 226 is said, and a disk that stands still between the last byte and the 226 (lesson
// 10: a slow finish).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace fs = std::filesystem;

namespace {

bool run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

/// An ext4 of its own that can be frozen: every write and fsync then waits. It thaws when this process ends,
/// however it ends.
class Disk {
  public:
    Disk() {
        char pattern[] = "/var/tmp/stowage-disk.XXXXXX";
        folder_ = ::mkdtemp(pattern);
        fs::permissions(folder_, fs::perms::others_exec, fs::perm_options::add);
        fs::create_directory(folder_ + "/lab");
        mounted_ = run("truncate -s 64M " + folder_ + "/image && mkfs.ext4 -q " + folder_ + "/image") &&
                   run("mount -o loop " + folder_ + "/image " + lab());
        if (mounted_) watch();
    }
    ~Disk() {
        thaw();
        alive_.reset();
        if (guard_ > 0) ::waitpid(guard_, nullptr, 0);
        directory_.reset();
        if (mounted_) run("umount " + lab());
        fs::remove_all(folder_);
    }
    bool mounted() const { return mounted_; }
    std::string lab() const { return folder_ + "/lab"; }
    bool freeze() { return ::ioctl(directory_.get(), FIFREEZE, 0) == 0; }
    void thaw() { (void)::ioctl(directory_.get(), FITHAW, 0); }

  private:
    void watch() {
        directory_ = Fd(::open(lab().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
        guard_ = ::fork();
        if (guard_ == 0) {
            ::close(ends[1]);
            char byte = 0;
            (void)!::read(ends[0], &byte, 1);
            thaw();
            ::_exit(0);
        }
        ::close(ends[0]);
        alive_ = Fd(ends[1]);
    }

    std::string folder_;
    bool mounted_ = false;
    Fd directory_, alive_;
    pid_t guard_ = -1;
};

/// False while ext4 has only promised the file a place: nothing of it has been written then.
bool has_its_blocks(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    alignas(fiemap) char space[sizeof(fiemap) + 16 * sizeof(fiemap_extent)] = {};
    auto& map = *reinterpret_cast<fiemap*>(space);
    map.fm_length = FIEMAP_MAX_OFFSET;
    map.fm_extent_count = 16;
    if (!file || ::ioctl(file.get(), FS_IOC_FIEMAP, &map) != 0 || map.fm_mapped_extents == 0) return false;
    const auto* extents = reinterpret_cast<const fiemap_extent*>(space + offsetof(fiemap, fm_extents));
    return std::none_of(extents, extents + map.fm_mapped_extents, [](const fiemap_extent& extent) {
        return (extent.fe_flags & (FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNKNOWN)) != 0;
    });
}

/// True if a thread of the process sleeps in a way that no signal ends (state D, proc(5)).
bool waits_for_the_disk(pid_t pid) {
    for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        std::ifstream stat(thread.path() / "stat");
        const std::string text((std::istreambuf_iterator<char>(stat)), {});
        if (text.compare(text.rfind(')') + 2, 1, "D") == 0) return true;
    }
    return false;
}

}  // namespace

// Taken out (no fsync() in Partials::publish()): the blocks come with the next write-back, seconds later.
TEST(Durability, A226MeansThatTheFileIsOnDiskUnlessTheLabDoesWithout) {
    Disk disk;
    if (!disk.mounted()) GTEST_SKIP() << "no ext4 on a loop device here";
    for (const bool durable : {true, false}) {
        Rig::Options options;
        options.directory = disk.lab();
        options.durable = durable;
        Rig rig(options);
        auto alice = rig.login();
        ASSERT_EQ(rig.store(alice, "STOR set", std::string(100'000, 'x')).code, 226);
        EXPECT_EQ(has_its_blocks(disk.lab() + "/set"), durable);
        fs::remove(disk.lab() + "/set");
    }
}

class FrozenDisk : public testing::Test {
  protected:
    void SetUp() override {
        if (!disk.mounted()) GTEST_SKIP() << "no ext4 on a loop device here";
        Rig::Options options;
        options.directory = disk.lab();
        rig.emplace(options);
        descriptors_before = rig->descriptors();
        alice = rig->login("alice");
        data.emplace(Rig::epsv(*alice.control), "127.0.0.1", mint(rig->key(), alice.nonce, tls13), tls13);
        ASSERT_EQ(alice.control->ask("STOR set").code, 150);
        ASSERT_TRUE(data->handshake());
        data->write("whole");
        ASSERT_TRUE(comes_true(
            [&] { return alice.control->ask("STAT").text.find(": 5 bytes") != std::string::npos; }));
    }

    // A worker that waits for the disk cannot end.
    void TearDown() override { disk.thaw(); }

    Disk disk;
    std::optional<Rig> rig;
    std::size_t descriptors_before = 0;
    Rig::Login alice;
    std::optional<Data> data;
};

// Taken out (send_end() only behind complete()): this fails.
TEST_F(FrozenDisk, CloseNotifyIsAnsweredAtOnceAndTheSessionGoesOn) {
    auto bob = rig->login("bob");
    rig->write_as_pod("/other", "other");
    ASSERT_TRUE(disk.freeze());
    // Returns when the server's close_notify is here: with the answer behind the fsync it would not.
    data->finish();
    EXPECT_TRUE(data->ended_well());
    EXPECT_EQ(alice.control->ask("NOOP").code, 200) << "clients keep the connection alive like this";
    EXPECT_EQ(alice.control->ask("STAT").code, 213);
    EXPECT_EQ(bob.control->ask("SIZE other").text, "213 5\r\n");
    std::string back;
    EXPECT_EQ(rig->retrieve(bob, "RETR other", back).code, 226);
    // Too late for ABOR: the upload is complete, and both are answered when it is on disk.
    alice.control->send("ABOR");
    EXPECT_EQ(bob.control->ask("NOOP").code, 200);
    disk.thaw();
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_EQ(rig->content("/set"), "whole");
    EXPECT_EQ(rig->store(alice, "STOR set", "again").code, 226);
}

// Taken out (the last look at `aborted` in receive_file()): what came before the ABOR is published, for the
// end of it came whole.
TEST_F(FrozenDisk, AnAbortWhileTheDiskIsWaitedForPublishesNothing) {
    auto bob = rig->login("bob");
    ASSERT_TRUE(disk.freeze());
    data->write(" and more");
    SSL_shutdown(data->ssl());
    // Nobody tells when the transfer thread has read it and waits for the disk.
    ASSERT_TRUE(comes_true([&] { return waits_for_the_disk(rig->pid()); }));
    alice.control->send("ABOR");
    EXPECT_EQ(bob.control->ask("NOOP").code, 200);
    EXPECT_EQ(bob.control->ask("NOOP").code, 200);
    disk.thaw();
    EXPECT_EQ(alice.control->read().code, 426);
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_FALSE(fs::exists(disk.lab() + "/set"));
    EXPECT_EQ(rig->store(alice, "STOR set", "again").code, 226);
}

// Taken out (complete() gives up what was aborted meanwhile): this fails.
TEST_F(FrozenDisk, AControlConnectionLostMeanwhileLosesNoCompleteUpload) {
    ASSERT_TRUE(disk.freeze());
    data->finish();
    alice.control->hang_up();
    disk.thaw();
    EXPECT_TRUE(comes_true([&] { return rig->content("/set") == "whole"; }));
    EXPECT_TRUE(
        comes_true([&] { return rig->staged() == 0 && rig->descriptors() <= descriptors_before + 1; }));
}

}  // namespace stowage::ftps::rig
