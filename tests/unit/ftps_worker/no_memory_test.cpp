// Threads beside a transfer's own: without memory they end what they were for, and not the process.
// Runs in: tests only.
#include "tests/unit/ftps_worker/no_memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "ftps/worker/directory_stats.hpp"
#include "ftps/worker/upload_hash.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

// Seen to end the process when follow() caught nothing.
TEST(NoMemory, AnUploadThatGoesOnHasNoHashThen) {
    Folder folder;
    folder.write("set", "there");
    const Fd file(::open((folder.base / "set").c_str(), O_RDWR | O_CLOEXEC));
    const NoMemoryForOthers none;
    UploadHash hash(file, 5);
    EXPECT_FALSE(hash.finish(5, std::chrono::seconds(10)));
}

// Seen to end the process when help() caught nothing.
TEST(NoMemory, AListingIsRefusedThen) {
    Folder folder;
    for (int number = 0; number < 1500; ++number)
        fs::create_symlink("a target that takes memory of its own " + std::to_string(number),
                           folder.lab / ("link-" + std::to_string(number)));
    const auto list = [&]() -> Result<std::size_t> {
        auto entries =
            *DirectoryStats::of(Fd(::open(folder.lab.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), "/");
        for (std::size_t seen = 0;;) {
            TRY(const auto batch, entries.next());
            if (batch.empty()) return seen;
            seen += batch.size();
        }
    };
    Result<std::size_t> listed = 0;
    {
        const NoMemoryForOthers none;
        // On a busy machine the helpers may come late, once or twice.
        for (int round = 0; round < 100 && listed; ++round)
            listed = list();
    }
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().code, Code::unavailable) << listed.error().text();
    EXPECT_EQ(list().value(), 1500u);
}

}  // namespace stowage::ftps
