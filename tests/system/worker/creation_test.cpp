// MFCT, MFF and the create fact: what a client says of a file's time of creation is told again.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace fs = std::filesystem;

class Creation : public testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(alice.control->ask("OPTS MLST create;").code, 200); }
    /// "20200102030405", or what else MLST says.
    std::string created(const std::string& name) {
        const auto text = alice.control->ask("MLST " + name).text;
        const auto at = text.find(" create=");
        return at == std::string::npos ? text : text.substr(at + 8, 14);
    }
    std::string said_by_mlsd(const std::string& name) {
        std::string lines;
        if (rig.retrieve(alice, "MLSD", lines).code != 226) return "(refused)";
        const auto end = lines.find("; " + name + "\r\n");
        return end == std::string::npos ? lines : lines.substr(end - 14, 14);
    }
    int ask(const std::string& line) { return alice.control->ask(line).code; }
    std::string in_lab(const std::string& name) const { return (rig.lab() / name).string(); }

    Rig rig;
    Rig::Login alice = rig.login();
};

TEST_F(Creation, IsKeptAsTheClientSaysIt) {
    ASSERT_EQ(rig.store(alice, "STOR a set", "x").code, 226);
    const auto made = created("a set");
    EXPECT_EQ(made.size(), 14u) << "no filesystem's time: " << made;
    EXPECT_EQ(alice.control->ask("MFCT 20200102030405 a set").text, "213 Create=20200102030405; a set\r\n");
    EXPECT_EQ(created("a set"), "20200102030405");
    EXPECT_EQ(said_by_mlsd("a set"), "20200102030405");
    EXPECT_EQ(alice.control->ask("MFF modify=20200203040506;Create=19700101000000.123; a set").text,
              "213 Modify=20200203040506;Create=19700101000000; a set\r\n");
    EXPECT_EQ(created("a set"), "19700101000000");
    EXPECT_EQ(alice.control->ask("MDTM a set").text, "213 20200203040506\r\n");
    ASSERT_EQ(ask("MKD dir"), 257);
    EXPECT_EQ(ask("MFCT 20210102030405 dir"), 213);
    EXPECT_EQ(created("dir"), "20210102030405");
    for (const auto* bad : {"MFCT", "MFCT 2020 a set", "MFCT 20201302030405 a set", "MFCT 20200102030405",
                            "MFF create=; a set", "MFF create=2020; a set"})
        EXPECT_EQ(ask(bad), 501) << bad;
    EXPECT_EQ(created("a set"), "19700101000000");
}

TEST_F(Creation, IsShownToThoseOnlyWhoSelectIt) {
    ASSERT_EQ(rig.store(alice, "STOR set", "x").code, 226);
    auto bob = rig.login("bob");
    const auto features = bob.control->ask("FEAT").text;
    EXPECT_NE(features.find(" MLST type*;size*;modify*;create;perm*;unique*;UNIX.mode*;\r\n"),
              std::string::npos)
        << features;
    EXPECT_NE(features.find(" MFCT\r\n"), std::string::npos);
    EXPECT_EQ(bob.control->ask("MLST set").text.find("create="), std::string::npos);
    EXPECT_EQ(bob.control->ask("OPTS MLST type;create;").text, "200 MLST OPTS type;create;\r\n");
    EXPECT_NE(bob.control->ask("MLST set").text.find("type=file;create=2"), std::string::npos);
}

// Taken out (keep_creation_time() in partial_start.cpp and file_copy.cpp): the second half fails.
TEST_F(Creation, StaysWithItsFile) {
    ASSERT_EQ(rig.store(alice, "STOR set", "12345").code, 226);
    ASSERT_EQ(ask("MFCT 20200102030405 set"), 213);
    ASSERT_EQ(ask("RNFR set"), 350);
    ASSERT_EQ(ask("RNTO moved"), 250);
    EXPECT_EQ(created("moved"), "20200102030405");
    ASSERT_EQ(ask("MFMT 20210102030405 moved"), 213);
    EXPECT_EQ(created("moved"), "20200102030405");
    // A new worker knows it too.
    rig.kill();
    rig.start();
    alice = rig.login();
    ASSERT_EQ(ask("OPTS MLST create;"), 200);
    EXPECT_EQ(created("moved"), "20200102030405");

    ASSERT_EQ(rig.store(alice, "APPE moved", "67890").code, 226);
    EXPECT_EQ(created("moved"), "20200102030405");
    ASSERT_EQ(ask("REST 3"), 350);
    ASSERT_EQ(rig.store(alice, "STOR moved", "x").code, 226);
    EXPECT_EQ(created("moved"), "20200102030405");
    ASSERT_EQ(ask("RANG 0 1"), 350);
    ASSERT_EQ(rig.store(alice, "STOR moved", "yy").code, 226);
    EXPECT_EQ(rig.content("/moved"), "yy3x");
    EXPECT_EQ(created("moved"), "20200102030405");
    ASSERT_EQ(rig.store(alice, "STOR part", "z").code, 226);
    ASSERT_EQ(ask("COMB moved part"), 250);
    EXPECT_EQ(created("moved"), "20200102030405");

    // A copy and a new upload are new files.
    ASSERT_EQ(ask("SITE CPFR moved"), 350);
    ASSERT_EQ(ask("SITE CPTO copy"), 250);
    EXPECT_GT(created("copy"), "20260101000000");
    ASSERT_EQ(rig.store(alice, "STOR moved", "all anew").code, 226);
    EXPECT_GT(created("moved"), "20260101000000");
}

TEST_F(Creation, LeavesTheKeptHashGood) {
    ASSERT_EQ(rig.store(alice, "STOR set", "12345").code, 226);
    char before[100] = {}, after[100] = {};
    const auto size = ::getxattr(in_lab("set").c_str(), "user.sha256", before, sizeof before);
    ASSERT_EQ(size, 57);
    ASSERT_EQ(ask("MFCT 20200102030405 set"), 213);
    ASSERT_EQ(::getxattr(in_lab("set").c_str(), "user.sha256", after, sizeof after), size);
    EXPECT_NE(std::string(before, 57), std::string(after, 57)) << "not signed anew for the new ctime";
}

TEST_F(Creation, IsRefusedInWordsWhereItCannotBe) {
    EXPECT_EQ(ask("MFCT 20200102030405 missing"), 550);
    EXPECT_EQ(ask("MFCT 20200102030405 /"), 550);
    EXPECT_EQ(ask("MFCT 20200102030405 .stowage"), 550);
    ASSERT_EQ(rig.store(alice, "STOR set", "x").code, 226);
    ASSERT_EQ(::symlink("set", in_lab("link").c_str()), 0);
    ASSERT_EQ(::symlink("/etc", in_lab("out").c_str()), 0);
    EXPECT_EQ(ask("MFCT 20200102030405 link"), 550);
    EXPECT_EQ(ask("MFCT 20200102030405 out/passwd"), 550);
    ASSERT_EQ(::mkfifo(in_lab("fifo").c_str(), 0660), 0);
    ASSERT_EQ(::lchown(in_lab("fifo").c_str(), lab_uid, lab_uid), 0);
    EXPECT_EQ(ask("MFCT 20200102030405 fifo"), 550);
    EXPECT_EQ(created("fifo").size(), 14u);

    ASSERT_EQ(ask("SITE CHMOD 440 set"), 200);
    const auto refused = alice.control->ask("MFCT 20200102030405 set");
    EXPECT_EQ(refused.code, 550);
    EXPECT_NE(refused.text.find("SITE CHMOD"), std::string::npos) << refused.text;
    EXPECT_EQ(ask("MFF create=20200102030405;UNIX.mode=0640; set"), 213);
    EXPECT_EQ(ask("MFF create=20210102030405;UNIX.mode=0440; set"), 213);
    EXPECT_EQ(created("set"), "20210102030405");

    // Somebody else's.
    rig.write_as_pod("/roots", "x");
    ASSERT_EQ(::chown(in_lab("roots").c_str(), 0, 0), 0);
    ASSERT_EQ(::chmod(in_lab("roots").c_str(), 0644), 0);
    EXPECT_EQ(ask("MFMT 20200102030405 roots"), 550);
    EXPECT_EQ(ask("MFCT 20200102030405 roots"), 550);
}

TEST_F(Creation, OfAnUnfinishedUploadIsNotYet) {
    ASSERT_EQ(rig.store(alice, "STOR set", "complete").code, 226);
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(ask("STOR set"), 150);
    ASSERT_TRUE(data.handshake());
    data.write("half");
    data.cut();
    ASSERT_EQ(alice.control->read().code, 426);
    EXPECT_EQ(ask("MFCT 20200102030405 set"), 450);
    EXPECT_EQ(created("set").find("create="), std::string::npos);
    ASSERT_EQ(ask("DELE set"), 250);
    EXPECT_EQ(ask("MFCT 20200102030405 set"), 213);
}

TEST(CreationWithoutAttributes, IsUnsupportedAndSaysWhy) {
    char place[] = "/var/tmp/stowage-ramfs.XXXXXX";
    ASSERT_NE(::mkdtemp(place), nullptr);
    if (::mount("none", place, "ramfs", MS_NOSUID | MS_NODEV, nullptr) != 0) {
        ::rmdir(place);
        GTEST_SKIP() << "ramfs cannot be mounted here";
    }
    {
        Rig::Options options;
        options.directory = place;
        Rig rig(options);
        auto alice = rig.login();
        ASSERT_EQ(rig.store(alice, "STOR set", "x").code, 226);
        const auto refused = alice.control->ask("MFCT 20200102030405 set");
        EXPECT_EQ(refused.code, 504) << refused.text;
        EXPECT_NE(refused.text.find("keeps no attributes"), std::string::npos) << refused.text;
        EXPECT_EQ(alice.control->ask("MFMT 20200102030405 set").code, 213);
        ASSERT_EQ(alice.control->ask("OPTS MLST type;create;").code, 200);
        EXPECT_EQ(alice.control->ask("MLST set").text.substr(0, 26), "250-Facts:\r\n type=file; /s");
    }
    ::umount(place);
    ::rmdir(place);
}

}  // namespace stowage::ftps::rig
