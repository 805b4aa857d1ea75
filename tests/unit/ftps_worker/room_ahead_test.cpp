// What is taken behind the end of a growing file, how much of what is left, and that it goes again.
// Runs in: tests only.
#include "ftps/worker/room_ahead.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "ftps/worker/partials.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

/// What the kernel would say of a filesystem that this machine may not have.
struct Filesystem {
    decltype(statfs::f_type) type = EXT4_SUPER_MAGIC;
    std::uint64_t left = 1 << 30;
    int refuses = 0;  ///< fallocate(2), once it has taken half of what was asked for
};
Filesystem* forged = nullptr;
std::vector<std::uint64_t>* taken = nullptr;

}  // namespace

// The whole test program's.
extern "C" int fstatfs(int fd, struct statfs* seen) noexcept {
    const auto done = ::syscall(SYS_fstatfs, fd, seen);
    if (!forged || done != 0) return static_cast<int>(done);
    seen->f_type = forged->type;
    seen->f_bavail = forged->left / static_cast<std::uint64_t>(seen->f_bsize);
    return 0;
}

extern "C" int fallocate(int fd, int mode, off_t begin, off_t size) {
    const bool half = forged && forged->refuses != 0;
    const auto done = static_cast<int>(::syscall(SYS_fallocate, fd, mode, begin, half ? size / 2 : size));
    if (taken) taken->push_back(static_cast<std::uint64_t>(size));
    if (!half || done != 0) return done;
    errno = forged->refuses;
    return -1;
}

namespace stowage::ftps {

class RoomAheadTest : public testing::Test {
  protected:
    void SetUp() override {
        forged = &filesystem;
        taken = &steps;
    }
    void TearDown() override {
        forged = nullptr;
        taken = nullptr;
    }

    /// In memory: what blocks a file has is the same on every machine.
    static Fd new_file() { return Fd(::memfd_create("upload", MFD_CLOEXEC)); }
    std::shared_ptr<const Fd> directory() const {
        return std::make_shared<const Fd>(::open(folder.base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    /// As an upload: what comes is written, then told.
    static void grow(const Fd& file, RoomAhead& room, std::uint64_t mebibytes) {
        const std::string bytes(mebibyte / 4, 'x');
        for (std::uint64_t i = 0; i < 4 * mebibytes; ++i) {
            ASSERT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
            room.wrote(bytes.size());
        }
    }
    static struct stat look(const Fd& file) {
        struct stat seen {};
        EXPECT_EQ(::fstat(file.get(), &seen), 0);
        return seen;
    }
    /// In MiB: blocks of attributes do not show.
    static std::uint64_t held(const Fd& file) {
        return static_cast<std::uint64_t>(look(file).st_blocks) * 512 / mebibyte;
    }

    Folder folder;
    Filesystem filesystem{};
    std::vector<std::uint64_t> steps;
};

// Taken out (give_back() in the destructor): this fails.
TEST_F(RoomAheadTest, IsTakenBehindTheEndAndGivenBack) {
    filesystem.left = 1000ull << 30;
    const auto file = new_file();
    {
        RoomAhead room(file, directory());
        grow(file, room, 5);
        EXPECT_EQ(held(file), 8u) << "4 MiB behind the first four";
        grow(file, room, 60);
        EXPECT_GT(held(file), 65u);
        EXPECT_EQ(look(file).st_size, static_cast<off_t>(65 * mebibyte)) << "nobody sees it in its size";
    }
    EXPECT_EQ(held(file), 65u);
    EXPECT_EQ(steps, (std::vector<std::uint64_t>{4 * mebibyte, 8 * mebibyte, 16 * mebibyte, 16 * mebibyte,
                                                 16 * mebibyte, 16 * mebibyte}));
}

TEST_F(RoomAheadTest, SmallFilesTakeNone) {
    const auto file = new_file();
    RoomAhead room(file, directory());
    grow(file, room, 3);
    EXPECT_TRUE(steps.empty());
}

TEST_F(RoomAheadTest, OfAnUploadThatGoesOnBeginsBehindWhatIsThere) {
    const auto file = new_file();
    ASSERT_EQ(::ftruncate(file.get(), 1000), 0);
    ASSERT_EQ(::lseek(file.get(), 1000, SEEK_SET), 1000);
    {
        RoomAhead room(file, directory());
        grow(file, room, 5);
        EXPECT_EQ(held(file), 8u);
    }
    EXPECT_EQ(look(file).st_size, static_cast<off_t>(1000 + 5 * mebibyte));
    EXPECT_EQ(held(file), 5u);
}

// A lab's limit of 10 GiB with 512 MiB left: an upload that stalls must not keep 16 MiB from the others.
// Taken out (the share): this fails.
TEST_F(RoomAheadTest, OneUploadTakesASmallPartOfWhatIsLeft) {
    for (const auto& [left_mebibytes, step_mebibytes] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
             {512, 0}, {1023, 0}, {2048, 8}, {100'000, 16}}) {
        filesystem.left = left_mebibytes * mebibyte;
        steps.clear();
        const auto file = new_file();
        RoomAhead room(file, directory());
        grow(file, room, 40);
        const auto most = steps.empty() ? 0 : *std::max_element(steps.begin(), steps.end());
        EXPECT_EQ(most, step_mebibytes * mebibyte) << left_mebibytes << " MiB are left";
    }
}

TEST_F(RoomAheadTest, IsExt4sAlone) {
    for (const auto other : {XFS_SUPER_MAGIC, static_cast<int>(BTRFS_SUPER_MAGIC), 0x00c36400 /* CephFS */}) {
        filesystem.type = other;
        const auto file = new_file();
        RoomAhead room(file, directory());
        grow(file, room, 5);
        EXPECT_TRUE(steps.empty()) << std::hex << other;
    }
}

// Taken out (give_back() of what a refused fallocate(2) has taken): this fails.
TEST_F(RoomAheadTest, TheUploadGoesOnWithoutWhereItIsRefused) {
    for (const int why : {ENOSPC, EDQUOT, EOPNOTSUPP, EFBIG, EINTR}) {
        filesystem.refuses = why;
        const auto file = new_file();
        RoomAhead room(file, directory());
        grow(file, room, 9);
        EXPECT_EQ(held(file), 9u) << strerrordesc_np(why);
        EXPECT_EQ(look(file).st_size, static_cast<off_t>(9 * mebibyte));
    }
    EXPECT_EQ(steps.size(), 10u) << "each 4 MiB it is asked again";
}

TEST_F(RoomAheadTest, WithoutADirectoryNothingIsTaken) {
    const auto file = new_file();
    RoomAhead room(file, nullptr);
    grow(file, room, 5);
    EXPECT_TRUE(steps.empty());
}

// Taken out (give_back_room() in Partials::adopt()): this fails.
TEST_F(RoomAheadTest, WhatACrashLeftBehindAPartialIsGivenBackAndItsTimesStay) {
    LabFiles files(folder.root(), "");
    std::string staged;
    const timespec long_ago{1'700'000'000, 5};
    {
        Partials partials(files);
        const auto claim = partials.claim("/set", "alice");
        ASSERT_TRUE(claim);
        auto file = partials.open(*claim, {});
        ASSERT_TRUE(file);
        if (!partials.mark(*claim, *file))
            GTEST_SKIP() << "the temporary directory has no extended attributes";
        ASSERT_EQ(::write(file->get(), "12345", 5), 5);
        // As it was when the process died: nobody has given anything back.
        ASSERT_EQ(::fallocate(file->get(), FALLOC_FL_KEEP_SIZE, 0, 16 * mebibyte), 0);
    }
    const auto name = std::filesystem::directory_iterator(folder.lab / ".stowage/partials")->path();
    const Fd file(::open(name.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(held(file), 16u);
    const timespec times[2] = {long_ago, long_ago};
    ASSERT_EQ(::futimens(file.get(), times), 0);
    Partials next(files);
    ASSERT_TRUE(next.load());
    EXPECT_EQ(held(file), 0u);
    EXPECT_EQ(next.stat("/set").value().st_size, 5);
    EXPECT_EQ(look(file).st_mtim.tv_sec, long_ago.tv_sec) << "MDTM, and which of two is the newer";
    EXPECT_EQ(look(file).st_mtim.tv_nsec, long_ago.tv_nsec);
}

}  // namespace stowage::ftps
