// SITE UNPACK and SITE COMMIT by a real worker: all of an archive or nothing of it, whatever happens
// meanwhile.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <tuple>

#include "tests/support/archive_maker.hpp"
#include "tests/system/worker/rig.hpp"
#include "tests/system/worker/slow_motion.hpp"
#include "tests/system/worker/tmpfs.hpp"

namespace stowage::ftps::rig {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class Archives : public testing::Test {
  protected:
    std::string in_lab(const std::string& name) const { return (rig.lab() / name).string(); }
    /// An archive of `count` small files, as a pod would leave it.
    void pod_makes_archive(const std::string& name, int count, const std::string& filter = "none") const {
        ArchiveMaker maker(in_lab(name), "pax", filter);
        for (int i = 0; i < count; ++i)
            maker.file("d" + std::to_string(i / 1000) + "/file" + std::to_string(i), "content");
        maker.close();
        ASSERT_EQ(::chown(in_lab(name).c_str(), lab_uid, lab_uid), 0);
    }
    /// Until files come out of the archive. What is asked before the work has begun is answered behind it.
    void wait_until_it_unpacks(Control& control) const {
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (rig.staged() == 0 && std::chrono::steady_clock::now() < limit)
            std::this_thread::yield();
        while (control.ask("STAT").text.find(" files, ") == std::string::npos)
            ASSERT_LT(std::chrono::steady_clock::now(), limit);
    }
    Reply answer_within(Control& control, const std::string& line, int seconds) {
        control.send(line);
        return control.read(seconds);
    }

    Rig rig;
};

TEST_F(Archives, AreUnpackedAsTheLabsFiles) {
    const auto path = (fs::temp_directory_path() / ("archive." + std::to_string(::getpid()))).string();
    for (const auto& [name, format, filter] :
         {std::tuple{"set.tar", "gnutar", "none"}, std::tuple{"set.tar.gz", "pax", "gzip"},
          std::tuple{"set.tar.zst", "pax", "zstd"}, std::tuple{"set.zip", "zip", "none"}}) {
        SCOPED_TRACE(name);
        ArchiveMaker(path, format, filter)
            .directory("train")
            .file("train/\xc3\xa4", "1")
            .file("run", "#!", 06755)
            .link("latest", "train/\xc3\xa4")
            .close();
        std::ifstream file(path, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        auto alice = rig.login();
        ASSERT_EQ(rig.store(alice, "STOR " + std::string(name), bytes).code, 226);
        const auto done =
            answer_within(*alice.control, "SITE UNPACK " + std::string(name) + " \"my data\"", 30);
        ASSERT_EQ(done.code, 250) << done.text;
        EXPECT_NE(done.text.find("2 files (3 bytes), 1 directory and 1 link are in /my data, safe on disk"),
                  std::string::npos)
            << done.text;
        EXPECT_EQ(rig.content("/my data/train/\xc3\xa4"), "1");
        EXPECT_EQ(rig.content("/my data/latest"), "1");
        struct stat seen {};
        ASSERT_EQ(::stat(in_lab("my data/run").c_str(), &seen), 0);
        EXPECT_EQ(seen.st_uid, lab_uid);
        EXPECT_EQ(seen.st_mode & 07777, 0770u);
        ASSERT_EQ(::stat(in_lab("my data/train").c_str(), &seen), 0);
        EXPECT_EQ(seen.st_mode & 07777, 02770u);
        EXPECT_EQ(seen.st_mtime, 1'500'000'000);
        EXPECT_EQ(rig.staged(), 0u);
        fs::remove_all(in_lab("my data"));
        fs::remove(in_lab(name));
    }
    fs::remove(path);
}

TEST_F(Archives, GoBesideTheirFileWithoutADirectoryAndIntoOneThatIsThere) {
    pod_makes_archive("set.tar.gz", 3, "gzip");
    auto alice = rig.login();
    ASSERT_EQ(alice.control->ask("SITE UNPACK set.tar.gz").code, 250);
    EXPECT_EQ(rig.content("/set/d0/file2"), "content");
    rig.write_as_pod("/set/d0/file2", "changed");
    rig.write_as_pod("/set/d0/mine", "stays");
    ASSERT_EQ(alice.control->ask("SITE UNPACK set.tar.gz set").code, 250);
    EXPECT_EQ(rig.content("/set/d0/file2"), "content");
    EXPECT_EQ(rig.content("/set/d0/mine"), "stays");
    ASSERT_EQ(alice.control->ask("SITE UNPACK set.tar.gz .").code, 250);
    EXPECT_EQ(rig.content("/d0/file1"), "content");
    EXPECT_EQ(rig.staged(), 0u);
}

TEST_F(Archives, AreRefusedInWords) {
    rig.write_as_pod("/text", "no archive");
    rig.write_as_pod("/text.tar", "no archive");
    auto alice = rig.login();
    EXPECT_EQ(alice.control->ask("SITE UNPACK").code, 501);
    EXPECT_EQ(alice.control->ask("SITE UNPACK a b c").code, 501);
    EXPECT_EQ(alice.control->ask("SITE UNPACK text").code, 501);
    EXPECT_EQ(alice.control->ask("SITE UNPACK missing.tar").code, 550);
    EXPECT_EQ(alice.control->ask("SITE UNPACK text.tar text").code, 550);
    EXPECT_EQ(alice.control->ask("SITE UNPACK text.tar missing/data").code, 550);
    EXPECT_EQ(alice.control->ask("SITE UNPACK text.tar .stowage/partials/x").code, 550);
    const auto refused = alice.control->ask("SITE UNPACK text.tar data");
    EXPECT_EQ(refused.code, 550);
    EXPECT_NE(refused.text.find("tar.zst and zip can be"), std::string::npos) << refused.text;
    EXPECT_EQ(rig.visible(), (std::vector<std::string>{"text", "text.tar"}));
    EXPECT_EQ(rig.staged(), 0u);
}

TEST_F(Archives, ThatAreAbortedLeaveNothing) {
    pod_makes_archive("set.tar", 100'000);
    auto alice = rig.login();
    alice.control->send("SITE UNPACK set.tar data");
    wait_until_it_unpacks(*alice.control);
    EXPECT_EQ(rig.visible(), std::vector<std::string>{"set.tar"});
    EXPECT_EQ(answer_within(*alice.control, "ABOR", 60).code, 426);
    EXPECT_EQ(alice.control->read().code, 226);
    EXPECT_EQ(rig.visible(), std::vector<std::string>{"set.tar"});
    EXPECT_EQ(rig.staged(), 0u);
    // A client that is gone ends it too.
    alice.control->send("SITE UNPACK set.tar data");
    wait_until_it_unpacks(*alice.control);
    alice.control->hang_up();
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (rig.staged() > 0 && std::chrono::steady_clock::now() < limit)
        std::this_thread::sleep_for(20ms);
    EXPECT_EQ(rig.staged(), 0u);
    EXPECT_EQ(rig.visible(), std::vector<std::string>{"set.tar"});
}

TEST_F(Archives, OfAKilledWorkerAreSweptUp) {
    pod_makes_archive("set.tar", 100'000);
    auto alice = rig.login();
    alice.control->send("SITE UNPACK set.tar data");
    wait_until_it_unpacks(*alice.control);
    rig.kill();
    EXPECT_EQ(rig.visible(), std::vector<std::string>{"set.tar"});
    EXPECT_EQ(rig.staged(), 1u);
    rig.start();
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (rig.staged() > 0 && std::chrono::steady_clock::now() < limit)
        std::this_thread::sleep_for(20ms);
    EXPECT_EQ(rig.staged(), 0u);
    EXPECT_EQ(rig.visible(), std::vector<std::string>{"set.tar"});
}

// Taken out (RENAME_EXCHANGE): this fails.
TEST_F(Archives, CommitExchangesAndTakesBack) {
    fs::create_directory(in_lab("data"));
    fs::create_directory(in_lab("next set"));
    rig.write_as_pod("/data/x", "old");
    rig.write_as_pod("/next set/x", "new");
    ASSERT_EQ(::chown(in_lab("data").c_str(), lab_uid, lab_uid), 0);
    ASSERT_EQ(::chown(in_lab("next set").c_str(), lab_uid, lab_uid), 0);
    auto alice = rig.login();
    EXPECT_EQ(alice.control->ask("SITE COMMIT data").code, 501);
    auto done = alice.control->ask("SITE COMMIT \"next set\" data");
    EXPECT_EQ(done.code, 250) << done.text;
    EXPECT_NE(done.text.find("takes it back"), std::string::npos) << done.text;
    EXPECT_EQ(rig.content("/data/x") + rig.content("/next set/x"), "newold");
    EXPECT_EQ(alice.control->ask("SITE COMMIT \"next set\" data").code, 250);
    EXPECT_EQ(rig.content("/data/x") + rig.content("/next set/x"), "oldnew");
    EXPECT_EQ(alice.control->ask("SITE COMMIT \"next set\" published").code, 250);
    EXPECT_EQ(rig.content("/published/x"), "new");
    EXPECT_EQ(alice.control->ask("SITE COMMIT missing data").code, 550);
}

// Three clients in one: what a long unpacking sends so that they do not give up, and how its failure looks.
TEST_F(Archives, SayHowFarTheyAreEveryTenSeconds) {
    // More than comes out in the 0.6 s that it is let run until it is aborted.
    pod_makes_archive("set.tar.zst", 200'000, "zstd");
    auto alice = rig.login();
    {
        const SlowMotion slow(rig.pid());
        alice.control->send("SITE UNPACK set.tar.zst data");
        EXPECT_EQ(alice.control->read(12).code, 0);
    }
    const auto aborted = answer_within(*alice.control, "ABOR", 60);
    EXPECT_EQ(aborted.code, 426) << aborted.text;
    EXPECT_NE(aborted.text.find("250-SITE UNPACK /set.tar.zst into /data: "), std::string::npos)
        << aborted.text;
    EXPECT_NE(aborted.text.find(" files, "), std::string::npos) << aborted.text;
    EXPECT_EQ(rig.staged(), 0u);
}

TEST(FullLab, RefusesAnArchiveWith552AndKeepsNothingOfIt) {
    const Tmpfs disk("size=8m,nr_inodes=2000");
    if (!disk.mounted()) GTEST_SKIP() << "tmpfs cannot be mounted here";
    Rig::Options options;
    options.directory = disk.path();
    options.quota_bytes = 8ull << 20;
    Rig rig(options);
    const auto large = (rig.lab() / "large.tar.gz").string(), many = (rig.lab() / "many.tar.gz").string();
    ArchiveMaker(large, "pax", "gzip").file("zeros", std::string(20 << 20, '\0')).close();
    {
        ArchiveMaker maker(many, "pax", "gzip");
        for (int i = 0; i < 5000; ++i)
            maker.file(std::to_string(i), "");
        maker.close();
    }
    for (const auto& path : {large, many})
        ASSERT_EQ(::chown(path.c_str(), lab_uid, lab_uid), 0);
    auto alice = rig.login();
    for (const auto* name : {"large", "many"}) {
        const auto full = alice.control->ask(std::string("SITE UNPACK ") + name + ".tar.gz");
        EXPECT_EQ(full.code, 552) << full.text;
        EXPECT_NE(full.text.find("MiB"), std::string::npos) << full.text;
        EXPECT_EQ(rig.visible(), (std::vector<std::string>{"large.tar.gz", "many.tar.gz"}));
        EXPECT_EQ(rig.staged(), 0u);
    }
    EXPECT_EQ(rig.store(alice, "STOR small", "fits again").code, 226);
}

}  // namespace stowage::ftps::rig
