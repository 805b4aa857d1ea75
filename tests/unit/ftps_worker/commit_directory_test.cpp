// One rename publishes a directory, another one takes it back.
#include <gtest/gtest.h>

#include <filesystem>

#include "ftps/worker/commit_directory.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

class Commit : public testing::Test {
  protected:
    void write(const std::string& path, const std::string& bytes) const {
        folder.write("lab/" + path, bytes);
    }
    std::string read(const std::string& path) const { return folder.read("lab/" + path); }
    Result<Committed> commit(const std::string& staged, const std::string& published) {
        return commit_directory(files, partials, staged, published, Durability::full);
    }

    Folder folder;
    LabFiles files{folder.root(), "/mnt/nfs"};
    Partials partials{files};
};

TEST_F(Commit, ANewNameIsARename) {
    write("in/next/a", "1");
    fs::create_directory(folder.lab / "out");
    const auto done = commit("/in/next", "/out/data");
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_EQ(*done, Committed::renamed);
    EXPECT_EQ(read("out/data/a"), "1");
    EXPECT_FALSE(fs::exists(folder.lab / "in/next"));
}

// Taken out (RENAME_EXCHANGE): this fails.
TEST_F(Commit, AnOldDirectoryIsExchangedAndComesBack) {
    write("next/a", "new");
    write("data/a", "old");
    ASSERT_EQ(commit("/next", "/data").value(), Committed::exchanged);
    EXPECT_EQ(read("data/a") + read("next/a"), "newold");
    ASSERT_EQ(commit("/next", "/data").value(), Committed::exchanged);
    EXPECT_EQ(read("data/a") + read("next/a"), "oldnew");
}

TEST_F(Commit, RefusesWhatIsNoDirectory) {
    write("file", "1");
    write("data/a", "old");
    fs::create_directory_symlink("data", folder.lab / "current");
    EXPECT_EQ(commit("/file", "/data").error().code, Code::denied);
    EXPECT_EQ(commit("/missing", "/data").error().code, Code::not_found);
    EXPECT_EQ(commit("/data", "/file").error().code, Code::exists);
    EXPECT_EQ(commit("/data", "/current").error().code, Code::exists);
    EXPECT_EQ(commit("/current", "/new").error().code, Code::denied);
    EXPECT_EQ(commit("/", "/new").error().code, Code::in_use);
    EXPECT_EQ(commit("/data", "/").error().code, Code::in_use);
    EXPECT_EQ(read("data/a"), "old");
}

// Taken out (is_within()): this fails.
TEST_F(Commit, RefusesOneInsideTheOtherAndTheServersFolder) {
    write("data/next/a", "1");
    EXPECT_EQ(commit("/data/next", "/data").error().code, Code::invalid);
    EXPECT_EQ(commit("/data", "/data/next").error().code, Code::invalid);
    EXPECT_EQ(commit("/data", "/data").error().code, Code::invalid);
    EXPECT_EQ(commit("/.stowage", "/data").error().code, Code::not_found);
    EXPECT_EQ(commit("/data", "/.stowage").error().code, Code::not_found);
    EXPECT_EQ(commit("/data", "/.stowage/partials/x").error().code, Code::not_found);
    EXPECT_EQ(read("data/next/a"), "1");
}

// Fails without the look at Partials::any_within().
TEST_F(Commit, WaitsForUnfinishedUploads) {
    write("next/a", "new");
    write("data/a", "old");
    {
        const auto claim = partials.claim("/next/b", "alice");
        ASSERT_TRUE(claim && partials.open(*claim, {}));
        const auto refused = commit("/next", "/data");
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().text().find("unfinished uploads"), std::string::npos)
            << refused.error().text();
        EXPECT_FALSE(commit("/data", "/next"));
    }
    EXPECT_EQ(read("data/a"), "old");
    ASSERT_TRUE(commit("/next", "/data"));
    EXPECT_EQ(read("data/a"), "new");
}

}  // namespace stowage::ftps
