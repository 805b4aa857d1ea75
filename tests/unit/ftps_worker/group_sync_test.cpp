// Shared syncs of a directory.
// Runs in: tests only.
#include "ftps/worker/group_sync.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

TEST(GroupSync, EveryCallerReturns) {
    Folder folder;
    const Fd directory(::open(folder.lab.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    GroupSync group;
    std::vector<std::thread> threads;
    std::atomic<int> good = 0;
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 10; ++n)
                good += group.sync(directory.get()).has_value();
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(good, 160);
}

TEST(GroupSync, TellsAFailure) {
    GroupSync group;
    EXPECT_FALSE(group.sync(-1));
    Folder folder;
    const Fd path_only = folder.root();  // O_PATH: fsync answers EBADF
    EXPECT_FALSE(group.sync(path_only.get()));
}

}  // namespace stowage::ftps
