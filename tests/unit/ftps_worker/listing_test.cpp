// Walking for listings on a real filesystem.
// Runs in: tests only.
#include "ftps/worker/listing.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

// A pattern that fits none of a million names was looked for to the end, whoever said ABOR meanwhile: fails
// without the look at `aborted`.
TEST(Listing, EndsAtTheNextNameWhenItIsAborted) {
    Folder folder;
    for (const auto* name : {"a", "b", "c", "d"})
        folder.write(std::string("lab/") + name, "");
    LabFiles files{folder.root(), ""};
    Partials partials(files);
    const LabView view(files, partials);
    std::atomic<bool> aborted = false;
    unsigned lines = 0;
    const LineSink abort_at_once = [&](std::string_view) {
        ++lines;
        return aborted = true;
    };
    ListRequest request;
    request.path = "/";
    ASSERT_TRUE(list(view, request, abort_at_once, &aborted));
    EXPECT_EQ(lines, 1u);
    request.pattern = "?";
    ASSERT_TRUE(list(view, request, abort_at_once, &aborted));
    EXPECT_EQ(lines, 1u);
    aborted = false;
    ASSERT_TRUE(list(
        view, request, [&](std::string_view) { return ++lines > 0; }, &aborted));
    EXPECT_EQ(lines, 5u);
}

// A pod's directories cost it nothing, and each is a walk here. Taken out (the look at most_directories): all
// are listed, and that is the end.
TEST(Listing, GoesIntoSoManyDirectoriesAndSaysSo) {
    Folder folder;
    ListRequest request;
    request.path = "/";
    request.recursive = true;
    request.most_directories = 10;
    for (unsigned number = 0; number < request.most_directories; ++number)
        std::filesystem::create_directory(folder.lab / std::to_string(number));
    LabFiles files{folder.root(), ""};
    Partials partials(files);
    const LabView view(files, partials);
    unsigned directories = 0;
    const auto cut = list(view, request, [&](std::string_view line) {
        directories += line.ends_with(":\r\n");
        return true;
    });
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, Code::io);
    EXPECT_EQ(directories, request.most_directories);
}

}  // namespace stowage::ftps
