// What the kernel says of bytes that could not be written.
// Runs in: tests only.
#include "ftps/worker/write_back.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "tests/unit/ftps_worker/folder.hpp"

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

}  // namespace stowage::ftps
