// A directory of the lab that is a link out of it every other moment: whatever is done by its name happens in
// the lab or not at all. Without chroot(2) here, so that only openat2(2) stands between. Each test fails when
// RESOLVE_BENEATH is taken out of open_beneath() (tried).
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <functional>

#include "ftps/worker/commit_directory.hpp"
#include "ftps/worker/lab_view.hpp"
#include "ftps/worker/unpack_stage.hpp"
#include "tests/support/link_swapper.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

class Adversary : public testing::Test {
  protected:
    void SetUp() override {
        fs::create_directories(outside() / "sub");
        folder.write("outside/set", "outside");
        fs::create_directories(folder.lab / "d/sub");
        fs::create_directory_symlink("../outside", folder.lab / "l");
    }
    fs::path outside() const { return folder.base / "outside"; }

    /// Until it went well and badly often enough for both moments to have been met.
    void repeat(const std::function<bool()>& attempt) {
        const LinkSwapper swapper(folder.lab / "d", folder.lab / "l");
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        int well = 0, badly = 0;
        while ((well < 300 || badly < 300) && std::chrono::steady_clock::now() < limit)
            ++(attempt() ? well : badly);
        EXPECT_GT(swapper.swaps(), 0u);
        EXPECT_GE(well, 1);
        EXPECT_GE(badly, 1);
        expect_untouched();
    }
    void expect_untouched() const {
        EXPECT_EQ(folder.read("outside/set"), "outside");
        std::size_t names = 0;
        for (const auto& entry : fs::recursive_directory_iterator(outside())) {
            (void)entry;
            ++names;
        }
        EXPECT_EQ(names, 2u);
    }

    Folder folder;
    LabFiles files{folder.root(), "/mnt/nfs"};
    Partials partials{files};
    LabView view{files, partials};
};

TEST_F(Adversary, ReadsNothingOutside) {
    folder.write("lab/d/set", "inside");
    repeat([this] {
        const auto file = view.open_for_reading("/d/set");
        if (!file) return false;
        char bytes[16] = {};
        EXPECT_EQ(::read(file->get(), bytes, sizeof bytes), 6);
        EXPECT_STREQ(bytes, "inside");
        return true;
    });
}

TEST_F(Adversary, ListsNothingOutside) {
    fs::remove_all(folder.lab / "d/sub");
    folder.write("lab/d/inside", "x");
    repeat([this] {
        return view
            .each_child("/d",
                        [](const Seen& seen) {
                            EXPECT_EQ(seen.name, "inside");
                            return true;
                        })
            .has_value();
    });
}

TEST_F(Adversary, RemovesAndRenamesNothingOutside) {
    repeat([this] {
        folder.write("lab/mine", "inside");
        return files.rename("/mine", "/d/set").has_value() && view.remove_file("/d/set").has_value();
    });
    repeat([this] {
        const bool made = files.make_directory("/d/made").has_value();
        return files.remove_directory("/d/made").has_value() && made;
    });
}

TEST_F(Adversary, UploadsNothingOutside) {
    repeat([this] {
        const auto claim = partials.claim("/d/new", "alice");
        const auto file = claim ? partials.open(*claim, {}) : claim.error();
        return file && partials.publish(*claim, *file, Durability::none);
    });
}

TEST_F(Adversary, UnpacksAndCommitsNothingOutside) {
    const std::atomic<bool> aborted{false};
    repeat([this, &aborted] {
        auto stage = UnpackStage::make(files);
        if (!stage || ::mkdirat(stage->directory(), "sub", 0700) != 0) return false;
        const Fd file(::openat(stage->directory(), "sub/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        LedgerShare share(files.ledger());
        return file && stage->publish(files, partials, "/d", Durability::none, aborted, share).has_value();
    });
    repeat([this] {
        fs::create_directory(folder.lab / "next");
        return commit_directory(files, partials, "/next", "/d/sub", Durability::none).has_value();
    });
}

}  // namespace stowage::ftps
