// Staging and publishing on a real filesystem.
// Runs in: tests only.
#include "ftps/worker/partials.hpp"

#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ftps/worker/lab_view.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

class PartialsTest : public testing::Test {
  protected:
    void SetUp() override {
        folder.write("probe", "");
        if (::setxattr((folder.base / "probe").c_str(), "user.stowage.path", "x", 1, 0) != 0)
            GTEST_SKIP() << "the temporary directory has no extended attributes";
    }
    void upload(Partials& partials, const std::string& path, const std::string& bytes,
                Partials::Start start = {}) {
        auto claim = partials.claim(path, "alice");
        ASSERT_TRUE(claim);
        const auto file = partials.open(*claim, start);
        ASSERT_TRUE(file) << file.error().text();
        ASSERT_EQ(::write(file->get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
        if (publish) {
            ASSERT_TRUE(partials.publish(*claim, *file, durability));
        }
    }
    std::size_t staged() const {
        const auto entries = fs::directory_iterator(folder.lab / ".stowage/partials");
        return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
    }
    Folder folder;
    LabFiles files{folder.root(), ""};
    bool publish = false;
    Durability durability = Durability::none;
};

TEST_F(PartialsTest, AreFoundAgainByAnotherProcess) {
    {
        Partials first(files);
        upload(first, "/a/set", "12345");
    }
    Partials second(files);
    ASSERT_TRUE(second.load());
    EXPECT_EQ(second.stat("/a/set").value().st_size, 5);
    EXPECT_EQ(second.children("/a").count("set"), 1u);
    EXPECT_TRUE(second.any_within("/a"));
    EXPECT_FALSE(second.any_within("/a/set"));
}

// Fails when load() goes on to the end: a pod may write into that directory as the lab does.
TEST_F(PartialsTest, ADirectoryFullOfNamesDelaysNoLogin) {
    ASSERT_TRUE(files.open_staging());
    for (int name = 0; name < 12'000; ++name)
        folder.write("lab/.stowage/partials/" + std::to_string(name), "");
    ASSERT_EQ(staged(), 12'000u);
    Partials first(files);
    ASSERT_TRUE(first.load());
    EXPECT_GE(staged(), 2'000u);
    for (int worker = 0; worker < 20 && staged() > 0; ++worker)
        ASSERT_TRUE(Partials(files).load());
    EXPECT_EQ(staged(), 0u) << "the rest is for the next workers";
}

TEST_F(PartialsTest, PublishedFilesCarryNoTrace) {
    Partials partials(files);
    publish = true;
    upload(partials, "/set", "12345");
    EXPECT_EQ(folder.read("lab/set"), "12345");
    EXPECT_EQ(staged(), 0u);
    EXPECT_LT(::getxattr((folder.lab / "set").c_str(), "user.stowage.path", nullptr, 0), 0);
    EXPECT_FALSE(partials.stat("/set"));
}

TEST_F(PartialsTest, ArePublishedAlsoWhereNamesGoWithFiles) {
    Partials partials(files, true);
    publish = true;
    durability = Durability::full;
    upload(partials, "/set", "12345");
    upload(partials, "/set", "678");
    EXPECT_EQ(folder.read("lab/set"), "678");
    EXPECT_EQ(staged(), 0u);
}

TEST_F(PartialsTest, WhoeverWaitsForMoreMarksThemFirst) {
    Partials partials(files);
    const auto claim = partials.claim("/set", "alice");
    const auto file = partials.open(*claim, {});
    ASSERT_EQ(::write(file->get(), "12345", 5), 5);
    {
        Partials before(files);  // as after a crash: what came in one piece is not kept
        ASSERT_TRUE(before.load());
        EXPECT_FALSE(before.stat("/set"));
    }
    const auto again = partials.open(*claim, {});
    ASSERT_EQ(::write(again->get(), "12345", 5), 5);
    ASSERT_TRUE(partials.mark(*claim, *again));
    Partials after(files);
    ASSERT_TRUE(after.load());
    EXPECT_EQ(after.stat("/set").value().st_size, 5);
    ASSERT_TRUE(partials.publish(*claim, *again, Durability::none));
    EXPECT_LT(::getxattr((folder.lab / "set").c_str(), "user.stowage.path", nullptr, 0), 0);
}

TEST_F(PartialsTest, GoOnFromWhereTheyAre) {
    Partials partials(files);
    upload(partials, "/set", "12345");
    upload(partials, "/set", "x", {false, 3});
    EXPECT_EQ(partials.stat("/set").value().st_size, 4);
    auto claim = partials.claim("/set", "alice");
    EXPECT_EQ(partials.open(*claim, {false, 5}).error().code, Code::invalid);
}

TEST_F(PartialsTest, ACompleteFileIsCopiedNotTouched) {
    Partials partials(files);
    folder.write("lab/set", "0123456789");
    upload(partials, "/set", "x", {false, 4});
    EXPECT_EQ(folder.read("lab/set"), "0123456789");
    EXPECT_EQ(partials.stat("/set").value().st_size, 5);
    EXPECT_FALSE(partials.check("/set", {false, 6}));
    upload(partials, "/set", "yz", {true, 0});
    EXPECT_EQ(partials.stat("/set").value().st_size, 7);
}

TEST_F(PartialsTest, EmptyOnesAreNotKept) {
    Partials partials(files);
    upload(partials, "/set", "");
    EXPECT_FALSE(partials.stat("/set"));
    EXPECT_EQ(staged(), 0u);
}

TEST_F(PartialsTest, OneUploadPerName) {
    Partials partials(files);
    auto first = partials.claim("/set", "alice");
    const auto second = partials.claim("/set", "bob");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::in_use);
    EXPECT_NE(second.error().what.find("alice"), std::string::npos);
    EXPECT_EQ(partials.remove("/set").error().code, Code::in_use);
    EXPECT_EQ(partials.move("/set", "/other").error().code, Code::in_use);
}

TEST_F(PartialsTest, ExpireByTheirLastWrite) {
    Partials partials(files);
    upload(partials, "/set", "x");
    EXPECT_EQ(partials.expire(Partials::Clock::now() - std::chrono::hours(1)), 0u);
    EXPECT_EQ(partials.expire(Partials::Clock::now() + std::chrono::hours(1)), 1u);
    EXPECT_EQ(staged(), 0u);
}

TEST_F(PartialsTest, RemovingOneLeavesTheCompleteFile) {
    Partials partials(files);
    LabView view(files, partials);
    folder.write("lab/set", "complete");
    upload(partials, "/set", "half");
    EXPECT_EQ(view.remove_file("/set").value(), LabView::Removed::partial);
    EXPECT_EQ(folder.read("lab/set"), "complete");
    EXPECT_EQ(view.remove_file("/set").value(), LabView::Removed::file);
}

TEST_F(PartialsTest, ARenameOntoTheirNameEndsThem) {
    Partials partials(files);
    LabView view(files, partials);
    upload(partials, "/set", "half");
    folder.write("lab/set.tmp", "complete");
    ASSERT_TRUE(view.rename("/set.tmp", "/set"));
    EXPECT_EQ(view.stat("/set").value().st_size, 8);
    EXPECT_EQ(staged(), 0u);
}

TEST_F(PartialsTest, ForgedAttributesNameNothing) {
    ASSERT_TRUE(files.open_staging());
    int number = 0;
    for (const auto* path : {"", "relative", "/../../etc/passwd", "/.stowage/lab", "/", "/a\nb", "/a//b"}) {
        const auto file = folder.lab / ".stowage/partials" / std::to_string(number++);
        std::ofstream(file) << "x";
        ::setxattr(file.c_str(), "user.stowage.path", path, std::strlen(path), 0);
    }
    Partials partials(files);
    ASSERT_TRUE(partials.load());
    EXPECT_EQ(staged(), 0u);
    EXPECT_FALSE(partials.any_within("/"));
}

TEST_F(PartialsTest, UploadsGoOnWhenAPeerRemovesTheStagingDirectory) {
    Partials partials(files);
    upload(partials, "/one", "x");
    fs::remove_all(folder.lab / ".stowage");
    publish = true;
    upload(partials, "/two", "y");
    EXPECT_EQ(folder.read("lab/two"), "y");
    EXPECT_FALSE(partials.stat("/one"));
}

}  // namespace stowage::ftps
