// Staging and publishing on a real filesystem.
// Runs in: tests only.
#include "ftps/worker/partials.hpp"

#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ftps/worker/lab_view.hpp"
#include "ftps/worker/partial_mark.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

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
    std::function<Moment()> clocks() {
        return [this] { return moment; };
    }
    void pass(std::chrono::seconds time) {
        moment.running += time;
        moment.wall += time;
    }
    Folder folder;
    LabFiles files{folder.root(), ""};
    Moment moment{100h, 24h * 365 * 56};
    static constexpr std::chrono::seconds limit = 24h * 7;
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

// What a power cut leaves on ext4: the size is on the disk, the last bytes are not. Taken out
// (cut_at_first_hole()): zeros are gone on behind.
TEST_F(PartialsTest, EndAtTheirFirstHoleWhenAnotherProcessFindsThem) {
    constexpr off_t whole = 65536, size = 1 << 20;
    const std::string bytes(whole, 'x');
    {
        Partials first(files);
        upload(first, "/set", bytes);
        upload(first, "/lost", "x");
        upload(first, "/good", bytes);
    }
    for (const auto& entry : fs::directory_iterator(folder.lab / ".stowage/partials")) {
        const Fd file(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
        if (read_partial_mark(file).path == "/good") continue;
        const bool all_lost = read_partial_mark(file).path == "/lost";
        ASSERT_EQ(::ftruncate(file.get(), all_lost ? 0 : whole), 0);
        ASSERT_EQ(::ftruncate(file.get(), size), 0);
        if (::lseek(file.get(), 0, SEEK_HOLE) == size) GTEST_SKIP() << "this filesystem tells of no holes";
    }
    Partials second(files);
    ASSERT_TRUE(second.load());
    EXPECT_EQ(second.stat("/set").value().st_size, whole);
    EXPECT_EQ(second.stat("/good").value().st_size, whole);
    EXPECT_FALSE(second.stat("/lost"));
    EXPECT_EQ(staged(), 2u);
}

// What stays of a copy that was stopped would stand in for the whole file.
TEST_F(PartialsTest, ACopyOfTheCompleteFileCanBeStoppedAndLeavesNothing) {
    Partials partials(files);
    folder.write("lab/set", std::string(3'000'000, 'x'));
    for (const auto start :
         {Partials::Start{true, 0}, Partials::Start{false, 2'000'000}, Partials::Start{false, 5, 10}}) {
        std::uint64_t copied = 0;
        {
            const auto claim = partials.claim("/set", "alice");
            ASSERT_TRUE(claim);
            const auto stopped = partials.open(*claim, start, [&copied](std::uint64_t bytes) {
                copied += bytes;
                return false;
            });
            ASSERT_FALSE(stopped);
            EXPECT_EQ(stopped.error().code, Code::cancelled);
        }
        EXPECT_GT(copied, 0u);
        EXPECT_EQ(staged(), 0u);
        EXPECT_FALSE(partials.stat("/set"));
    }
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
    publish = false;
    upload(partials, "/other", "12345");
    publish = true;
    upload(partials, "/other", "67890", {true, 0});
    EXPECT_EQ(folder.read("lab/other"), "1234567890");
    for (const auto* name : {"user.stowage.path", "user.stowage.user", "user.stowage.idle"})
        EXPECT_LT(::getxattr((folder.lab / "other").c_str(), name, nullptr, 0), 0) << name;
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

TEST_F(PartialsTest, ExpireOnceTheyHaveLainIdle) {
    Partials partials(files, false, clocks());
    upload(partials, "/set", "x");
    pass(limit - 1s);
    EXPECT_EQ(partials.expire(limit), 0u);
    upload(partials, "/set", "y", {true, 0});  // anew from here
    pass(limit - 1s);
    EXPECT_EQ(partials.expire(limit), 0u);
    EXPECT_EQ(partials.stat("/set").value().st_size, 2);
    pass(1s);
    EXPECT_EQ(partials.expire(limit), 1u);
    EXPECT_EQ(staged(), 0u);
}

// By the file's time and the system clock alone, the first of these jumps removes what is an hour old.
TEST_F(PartialsTest, AClockThatJumpsMakesThemNoOlder) {
    Partials partials(files, false, clocks());
    upload(partials, "/set", "x");
    pass(1h);
    for (const auto jump : {24h * 365 * 10, 24h * -365 * 20, 24h * 30}) {
        moment.wall += jump;
        EXPECT_EQ(partials.expire(limit), 0u);
        pass(1h);
        EXPECT_EQ(partials.expire(limit), 0u);
    }
    pass(limit);
    EXPECT_EQ(partials.expire(limit), 1u) << "they expire nevertheless";
}

TEST_F(PartialsTest, GrowOlderWhileNoWorkerRunsAndAcrossRestarts) {
    {
        Partials first(files, false, clocks());
        upload(first, "/set", "x");
    }
    pass(limit - 2h);
    {
        Partials second(files, false, clocks());
        ASSERT_TRUE(second.load());
        EXPECT_EQ(second.expire(limit), 0u);
    }
    // The machine is started anew, and its clock is wrong at first.
    moment = {1h, 24h * 365 * 40};
    {
        Partials third(files, false, clocks());
        ASSERT_TRUE(third.load());
        EXPECT_EQ(third.expire(limit), 0u);
    }
    pass(2h);
    Partials fourth(files, false, clocks());
    ASSERT_TRUE(fourth.load());
    EXPECT_EQ(fourth.expire(limit), 1u);
}

TEST_F(PartialsTest, OnAnotherMachineTheyAreNoOlder) {
    {
        Partials first(files, false, clocks());
        upload(first, "/set", "x");
    }
    moment.running += 24h * 365;  // that one was started long ago
    moment.wall += 5min;
    Partials second(files, false, clocks());
    ASSERT_TRUE(second.load());
    EXPECT_EQ(second.expire(limit), 0u);
}

TEST_F(PartialsTest, OfEarlierVersionsAndForgedAgesBeginAnew) {
    for (const std::string& forged : {std::string("9"), std::string("999999999 1 1x"), std::string("-1 1 1"),
                                      std::string("99999999999999999999 1 1"), std::string()}) {
        {
            Partials first(files, false, clocks());
            upload(first, "/set", "x");
        }
        for (const auto& entry : fs::directory_iterator(folder.lab / ".stowage/partials"))
            ASSERT_EQ(::setxattr(entry.path().c_str(), "user.stowage.idle", forged.data(), forged.size(), 0),
                      0);
        Partials second(files, false, clocks());
        ASSERT_TRUE(second.load());
        EXPECT_EQ(second.expire(limit), 0u) << forged;
        pass(limit);
        EXPECT_EQ(second.expire(limit), 1u) << forged;
    }
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

// The partial with the range was renamed onto the name: half a file, where a complete one had been.
TEST_F(PartialsTest, ARangeAmidAnUnfinishedUploadIsRefusedAndPublishesNothing) {
    folder.write("lab/set", "complete");
    Partials partials(files);
    upload(partials, "/set", "half");
    for (const std::uint64_t offset : {0, 2}) {
        const Partials::Start amid{false, offset, offset + 2};
        const auto checked = partials.check("/set", amid);
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().code, Code::in_use);
        auto claim = partials.claim("/set", "alice");
        ASSERT_TRUE(claim);
        const auto opened = partials.open(*claim, amid);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Code::in_use);
    }
    EXPECT_EQ(partials.check("/set", {false, 5, 6}).error().code, Code::invalid);
    EXPECT_TRUE(partials.check("/set", {false, 4, 6}));
    EXPECT_EQ(folder.read("lab/set"), "complete");
    EXPECT_EQ(partials.stat("/set")->st_size, 4);
}

// They hid the files that came with the directory; RNTO does not replace one that is there, but pods remove
// them.
TEST_F(PartialsTest, ADirectoryTakesNoNameInWhichUploadsAreUnfinished) {
    Partials partials(files);
    const LabView view(files, partials);
    for (const auto* name : {"data", "next"})
        fs::create_directory(folder.lab / name);
    folder.write("lab/next/x", "complete");
    upload(partials, "/data/x", "half");
    EXPECT_FALSE(view.rename("/next", "/data"));
    fs::remove(folder.lab / "data");
    const auto refused = view.rename("/next", "/data");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::exists);
    ASSERT_TRUE(partials.remove("/data/x"));
    ASSERT_TRUE(view.rename("/next", "/data"));
    EXPECT_EQ(folder.read("lab/data/x"), "complete");
}

}  // namespace stowage::ftps
