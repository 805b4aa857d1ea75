// What the kernel is asked to write, what is waited for, and what it says of bytes that could not be written.
// Runs in: tests only.
#include "ftps/worker/write_back.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "tests/unit/ftps_worker/folder.hpp"

namespace {

struct Asked {
    off_t begin, end;
    bool waits;
};
std::vector<Asked>* asked = nullptr;

}  // namespace

// The whole test program's: a disk that is quick is waited for unseen.
extern "C" int sync_file_range(int fd, off_t begin, off_t size, unsigned how) {
    if (asked) asked->push_back({begin, begin + size, (how & SYNC_FILE_RANGE_WAIT_AFTER) != 0});
    return static_cast<int>(::syscall(SYS_sync_file_range, fd, begin, size, how));
}

namespace stowage::ftps {

// Taken out (nothing is written while more arrives): this fails.
TEST(WriteBack, SaysThatSomethingCannotBeWritten) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Fd reads(ends[0]), writes(ends[1]);  // not a file: sync_file_range(2) always fails
    WriteBack disk(writes);
    EXPECT_TRUE(disk.wrote(WriteBack::step_bytes - 1)) << "nothing was asked yet";
    const auto failed = disk.wrote(1);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Code::io);
}

TEST(WriteBack, IsContentWithAFile) {
    Folder folder;
    folder.write("set", "");
    const Fd file(::open((folder.base / "set").c_str(), O_RDWR | O_CLOEXEC));
    WriteBack disk(file);
    for (unsigned step = 0; step < 2 * WriteBack::steps_under_way; ++step) {
        ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>((step + 1) * WriteBack::step_bytes)), 0);
        EXPECT_TRUE(disk.wrote(WriteBack::step_bytes));
    }
}

// Taken out (the waiting): this fails.
TEST(WriteBack, WaitsForAllOfItAndIsNeverFarBehind) {
    Folder folder;
    folder.write("set", "");
    const Fd file(::open((folder.base / "set").c_str(), O_RDWR | O_CLOEXEC));
    constexpr off_t first = 1000, piece = 3 << 20;  // steps of 18 MiB: 64 is no whole number of them
    constexpr off_t most = (WriteBack::steps_under_way + 1) * WriteBack::step_bytes + piece;
    ASSERT_EQ(::lseek(file.get(), first, SEEK_SET), first);
    std::vector<Asked> calls;
    asked = &calls;
    WriteBack disk(file);
    off_t waited = first, written = first, begun = first;
    for (int i = 0; i < 60; ++i) {
        written += piece;
        ASSERT_EQ(::ftruncate(file.get(), written), 0);
        EXPECT_TRUE(disk.wrote(piece));
        for (const auto& call : std::exchange(calls, {})) {
            auto& end = call.waits ? waited : begun;
            EXPECT_EQ(call.begin, end) << "nothing is left out";
            end = call.end;
        }
        EXPECT_LE(waited, begun);
        ASSERT_LE(written - waited, most);
    }
    asked = nullptr;
}

}  // namespace stowage::ftps
