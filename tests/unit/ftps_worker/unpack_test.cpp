// What becomes of an archive: its members below one directory, and nothing anywhere else.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "ftps/worker/archive_reader.hpp"
#include "ftps/worker/unpack_tree.hpp"
#include "tests/support/archive_maker.hpp"
#include "tests/unit/ftps_worker/folder.hpp"

namespace stowage::ftps {

namespace fs = std::filesystem;

class Unpack : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(ArchiveReader::prepare_process());
        ::umask(007);
        into = folder.base / "into";
        fs::create_directory(into);
    }

    std::string archive() const { return (folder.base / "archive").string(); }
    Result<Unpacked> unpack() {
        const Fd file(::open(archive().c_str(), O_RDONLY | O_CLOEXEC));
        const Fd directory(::open(into.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        LedgerShare share(ledger);
        auto done = unpack_tree(file, directory.get(), limits, share, transfer);
        if (done) share.keep();
        return done;
    }
    Unpacked unpacked() {
        auto done = unpack();
        EXPECT_TRUE(done) << done.error().text();
        return done ? *done : Unpacked{};
    }
    std::string read(const std::string& path) const { return folder.read("into/" + path); }
    static long time_of(const fs::path& path) {
        struct stat seen {};
        return ::lstat(path.c_str(), &seen) == 0 ? seen.st_mtime : -1;
    }
    static unsigned mode_of(const fs::path& path) {
        struct stat seen {};
        return ::lstat(path.c_str(), &seen) == 0 ? seen.st_mode & 07777 : 0;
    }

    Folder folder;
    fs::path into;
    UnpackLimits limits{1000, 1 << 30, 4000, false};
    Ledger ledger;
    Transfer transfer;
};

TEST_F(Unpack, EveryFormatByItsContentAlone) {
    const std::pair<const char*, const char*> kinds[] = {{"ustar", "none"}, {"gnutar", "gzip"},
                                                         {"pax", "none"},   {"pax", "zstd"},
                                                         {"zip", "none"},   {"pax", "gzip"}};
    for (const auto& [format, filter] : kinds) {
        SCOPED_TRACE(std::string(format) + " " + filter);
        fs::remove_all(into);
        fs::create_directory(into);
        ArchiveMaker(archive(), format, filter)
            .directory("d", 0755, 1'500'000'000)
            .file("d/a", "content of a", 0644, 1'600'000'000)
            .file("d/run", "#!", 0755)
            .file("\xc3\xa4/\xe2\x82\xac", "named in UTF-8")
            .file("empty", "")
            .link("d/l", "a")
            .close();
        const auto done = unpacked();
        EXPECT_EQ(done.files, 4u);
        EXPECT_EQ(done.directories, 2u);
        EXPECT_EQ(done.links, 1u);
        EXPECT_EQ(done.omissions(), "");
        EXPECT_EQ(read("d/a"), "content of a");
        EXPECT_EQ(read("\xc3\xa4/\xe2\x82\xac"), "named in UTF-8");
        EXPECT_EQ(fs::read_symlink(into / "d/l"), "a");
        EXPECT_EQ(time_of(into / "d/a"), 1'600'000'000);
        EXPECT_EQ(time_of(into / "d"), 1'500'000'000);
        EXPECT_EQ(mode_of(into / "d/a"), 0660u);
        EXPECT_EQ(mode_of(into / "d/run"), 0770u);
    }
}

TEST_F(Unpack, NamesStayTheirBytes) {
    // Decomposed UTF-8 as macOS writes it, Latin-1, what a shell would stumble over.
    const std::string decomposed = "a\xcc\x88", latin = "\xe4", odd = " -rf *?[\\'\"\x01";
    ArchiveMaker(archive(), "gnutar").file(decomposed, "1").file(odd, "2").file(latin, "3").close();
    unpacked();
    EXPECT_EQ(read(decomposed) + read(odd) + read(latin), "123");
    // pax, as GNU tar and Python write it: the header holds the bytes as they are.
    ASSERT_EQ(std::system(("cd " + folder.base.string() +
                           " && mv into other && mkdir into && tar --format=pax -cf archive -C other .")
                              .c_str()),
              0);
    EXPECT_EQ(unpacked().omissions(), "");
    EXPECT_EQ(read(decomposed) + read(odd) + read(latin), "123");
    const std::string composed = "\xc3\xa4";
    ASSERT_EQ(
        std::system(
            ("cd " + folder.base.string() +
             " && python3 -c \"import tarfile; t = tarfile.open('archive', 'w', format=tarfile.PAX_FORMAT); "
             "t.addfile(tarfile.TarInfo('a\\u0308')); t.addfile(tarfile.TarInfo('\\u00e4'))\"")
                .c_str()),
        0);
    EXPECT_EQ(unpacked().files, 2u);
    EXPECT_EQ(read(composed), "");
    EXPECT_EQ(read(decomposed), "");
}

// Taken out (line_name() in omissions()): the reply has a line that the archive's maker wrote.
TEST_F(Unpack, WhatIsLeftOutIsNamedInOneLine) {
    ArchiveMaker(archive(), "gnutar").file("a\n226 all is well\r", "x").close();
    const auto omissions = unpacked().omissions();
    EXPECT_NE(omissions.find("a?226 all is well?"), std::string::npos) << omissions;
    EXPECT_EQ(omissions.find_first_of("\r\n"), std::string::npos) << omissions;
}

TEST_F(Unpack, NothingLeadsOut) {
    folder.write("outside", "untouched");
    ArchiveMaker(archive(), "gnutar")
        .file("../outside", "changed")
        .file("a/../../outside", "changed")
        .link("up", "..")
        .link("absolute", "/etc")
        .link("d/further", "../..")
        .file("d/sub/x", "x")
        .link("in", "d/sub")
        .file("in/through", "through a link")
        .hard_link("hard", "../outside")
        .hard_link("hard2", "/etc/passwd")
        .hard_link("hard3", "in")
        .file("/absolute-name", "kept, below the target")
        .close();
    const auto done = unpacked();
    EXPECT_EQ(folder.read("outside"), "untouched");
    EXPECT_EQ(done.left_out[Unpacked::bad_names], 2u);
    EXPECT_EQ(done.left_out[Unpacked::links_out], 6u);
    EXPECT_EQ(done.left_out[Unpacked::taken_names], 1u);
    EXPECT_EQ(done.first_left_out, "../outside");
    EXPECT_NE(done.omissions().find("9 members were left out"), std::string::npos) << done.omissions();
    EXPECT_EQ(read("absolute-name"), "kept, below the target");
    EXPECT_EQ(read("d/sub/x"), "x");
    EXPECT_FALSE(fs::exists(into / "d/sub/through"));
    EXPECT_FALSE(fs::is_symlink(into / "up") || fs::is_symlink(into / "absolute"));
}

// Fails when open_without_links() is told to follow them.
TEST_F(Unpack, ALinkThatAPeerPutsInPlaceOfADirectoryIsNotFollowed) {
    fs::create_directory(folder.base / "elsewhere");
    fs::create_directory_symlink(folder.base / "elsewhere", into / "d");
    fs::create_directory(into / "e");
    fs::create_directory_symlink("../e", into / "e/inner");
    ArchiveMaker(archive(), "pax").file("d/x", "1").file("e/inner/y", "2").file("e/z", "3").close();
    const auto done = unpacked();
    EXPECT_TRUE(fs::is_empty(folder.base / "elsewhere"));
    EXPECT_EQ(done.left_out[Unpacked::taken_names], 2u);
    EXPECT_EQ(read("e/z"), "3");
}

TEST_F(Unpack, NoSpecialFilesAndNoSetuid) {
    ArchiveMaker(archive(), "pax")
        .special("fifo", AE_IFIFO)
        .special("device", AE_IFCHR)
        .special("disk", AE_IFBLK)
        .file("suid", "x", 06755)
        .directory("open", 07777)
        .close();
    const auto done = unpacked();
    EXPECT_EQ(done.left_out[Unpacked::specials], 3u);
    EXPECT_EQ(mode_of(into / "suid"), 0770u);
    EXPECT_EQ(mode_of(into / "open"), 0770u);
    EXPECT_FALSE(fs::exists(into / "fifo"));
}

TEST_F(Unpack, TheLastOfTwoMembersOfANameCountsAndLinksKeepTheFirst) {
    ArchiveMaker(archive(), "gnutar")
        .file("a", "first")
        .hard_link("b", "a")
        .file("a", "second")
        .hard_link("a", "a")
        .link("l", "a")
        .file("l", "no longer a link")
        .directory("d")
        .file("d", "a file of a directory's name")
        .file("b/x", "below a file")
        .close();
    const auto done = unpacked();
    EXPECT_EQ(read("a"), "second");
    EXPECT_EQ(read("b"), "first");
    EXPECT_EQ(read("l"), "no longer a link");
    EXPECT_TRUE(fs::is_directory(into / "d"));
    EXPECT_EQ(done.left_out[Unpacked::taken_names], 2u);
}

TEST_F(Unpack, TheServersFolderIsLeftAlone) {
    limits.into_root = true;
    ArchiveMaker(archive(), "pax")
        .file(".stowage/lab", "x")
        .file("./.stowage", "x")
        .file("d/.stowage", "y")
        .close();
    const auto done = unpacked();
    EXPECT_EQ(done.left_out[Unpacked::bad_names], 2u);
    EXPECT_FALSE(fs::exists(into / ".stowage"));
    EXPECT_EQ(read("d/.stowage"), "y");
}

TEST_F(Unpack, BombsAreRefused) {
    ArchiveMaker many(archive(), "pax");
    for (int i = 0; i < 20; ++i)
        many.file("f" + std::to_string(i), std::string(1000, 'x'));
    many.close();
    limits.members = 19;
    EXPECT_EQ(unpack().error().code, Code::over_quota);
    limits.members = 20;
    limits.bytes = 19'999;
    EXPECT_EQ(unpack().error().code, Code::over_quota);
    limits.bytes = 20'000;
    EXPECT_TRUE(unpack());

    const auto small = UnpackLimits::for_archive(1000, "/d");
    EXPECT_EQ(small.bytes, 1ull << 30);
    EXPECT_EQ(UnpackLimits::for_archive(1ull << 30, "/d").bytes, 1100ull << 30);
    EXPECT_EQ(UnpackLimits::for_archive(1ull << 62, "/d").bytes, UINT64_MAX);
    EXPECT_EQ(small.path_bytes, 4092u);
}

TEST_F(Unpack, TheLedgerRefusesWhatNoFilesystemCounts) {
    ArchiveMaker(archive(), "pax")
        .file("a", std::string(1000, 'x'))
        .file("b", std::string(1000, 'x'))
        .close();
    ledger.start(1999, 0);
    EXPECT_EQ(unpack().error().code, Code::over_quota);
    EXPECT_TRUE(ledger.take(1999)) << "given back after the failure";
    ledger.give(1999);
    ledger.start(2000, 1);
    EXPECT_EQ(unpack().error().code, Code::over_quota);
    ledger.start(2000, 2);
    EXPECT_TRUE(unpack());
    EXPECT_FALSE(ledger.take(1)) << "kept after success";
}

TEST_F(Unpack, BrokenArchivesAreRefusedInWords) {
    ArchiveMaker(archive(), "pax", "gzip").file("a", std::string(100'000, 'a')).file("b", "b").close();
    const auto whole = folder.read("archive");
    folder.write("archive", whole.substr(0, whole.size() / 2));
    auto refused = unpack();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::denied);
    folder.write("archive", "this is a text, not an archive, and more than a few bytes of it");
    refused = unpack();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text().find("tar.zst"), std::string::npos) << refused.error().text();
    std::string noise;
    for (unsigned i = 1, x = 1; i < 1000; ++i)
        noise += static_cast<char>((x = x * 1103515245 + 12345) >> 16);
    ArchiveMaker(archive(), "zip").file("a", noise).close();
    auto bad = folder.read("archive");
    bad[500] = static_cast<char>(bad[500] ^ 0x55);  // in the content
    folder.write("archive", bad);
    EXPECT_FALSE(unpack());
    folder.write("archive", "");
    EXPECT_FALSE(unpack());
}

TEST_F(Unpack, EndsWhenItIsAborted) {
    ArchiveMaker(archive(), "pax").file("a", "x").close();
    transfer.aborted = true;
    const auto refused = unpack();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::cancelled);
    EXPECT_FALSE(fs::exists(into / "a"));
}

TEST_F(Unpack, HolesStayHoles) {
    ASSERT_EQ(std::system(("cd " + folder.base.string() +
                           " && truncate -s 200M holes && printf end >> holes && tar -S -cf archive holes")
                              .c_str()),
              0);
    const auto done = unpacked();
    struct stat seen {};
    ASSERT_EQ(::stat((into / "holes").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_size, (200 << 20) + 3);
    EXPECT_LT(seen.st_blocks, 1000);
    EXPECT_LT(done.bytes, 1'000'000u);
    // They count nevertheless.
    limits.bytes = 200 << 20;
    EXPECT_EQ(unpack().error().code, Code::over_quota);
}

}  // namespace stowage::ftps
