// What a backup reads, and what a restore looks for.
// Runs in: unit tests.
#include "gateway/cli/backup_folder.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gateway/certificate/certificate.hpp"

namespace stowage::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BackupFolderTest : public testing::Test {
  protected:
    BackupFolderTest() : folder_(::mkdtemp(pattern_)) {}
    ~BackupFolderTest() override { fs::remove_all(folder_); }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "the files are given to root";
    }
    CertificateFiles make_pair(const std::string& name) const {
        CertificateFiles files{folder_ + "/" + name + ".pem", folder_ + "/" + name + ".key"};
        EXPECT_TRUE(make_self_signed(files, {name}));
        return files;
    }
    char pattern_[32] = "/tmp/stowage-backup-XXXXXX";
    std::string folder_;
};

TEST_F(BackupFolderTest, APairThatIsReplacedBetweenTwoReadsIsReadAgain) {
    const auto before = make_pair("before"), after = make_pair("after");
    int reads = 0;
    const auto pair = read_pair("chain", "key", [&](const std::string& path) {
        const auto& files = ++reads == 1 ? before : after;
        return read_file(path == "chain" ? files.chain_path : files.key_path);
    });
    ASSERT_TRUE(pair) << pair.error().text();
    EXPECT_EQ(pair->chain_pem, *read_file(after.chain_path));
    EXPECT_EQ(pair->key_pem.reveal(), *read_file(after.key_path));
    EXPECT_EQ(reads, 4);
}

TEST_F(BackupFolderTest, APairInOneFileIsReadOnce) {
    const auto pair = make_pair("both");
    const auto both = *read_file(pair.key_path) + *read_file(pair.chain_path);
    std::ofstream(pair.chain_path) << both;
    fs::create_symlink(pair.chain_path, folder_ + "/link");
    int reads = 0;
    // With a key that is kept at a renewal, the old text and the new one would fit.
    const auto read = read_pair(pair.chain_path, folder_ + "/link",
                                [&](const std::string&) { return both + std::string(++reads, '\n'); });
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->chain_pem, read->key_pem.reveal());
}

TEST_F(BackupFolderTest, APairThatNeverFitsIsRefused) {
    const auto one = make_pair("one"), other = make_pair("other");
    const auto pair =
        read_pair(one.chain_path, other.key_path, [](const std::string& path) { return read_file(path); });
    ASSERT_FALSE(pair);
    EXPECT_EQ(pair.error().code, Code::config);
    EXPECT_THAT(pair.error().what, HasSubstr(other.key_path + " does not belong to"));
}

TEST_F(BackupFolderTest, LabsUidsAndExportIdsOnTheDiskAreFound) {
    Config config;
    config.labs.root = folder_ + "/labs";
    config.state_dir = folder_ + "/state";
    config.labs.uid_min = 700000;
    config.labs.uid_max = 700009;
    EXPECT_EQ(to_text(find_on_disk(config)), "");
    EXPECT_FALSE(labs_are_mounted(config));
    const auto make = [&](const std::string& name, uid_t uid) {
        fs::create_directories(config.labs.root + "/" + name);
        ASSERT_EQ(::chown((config.labs.root + "/" + name).c_str(), uid, uid), 0);
    };
    make("lab3", 700003);
    make("of an admin", 0);
    make("of-somebody", 1000);
    std::ofstream(config.labs.root + "/.stowage-root").flush();
    fs::create_directory_symlink(config.labs.root + "/lab3", config.labs.root + "/linked");
    EXPECT_EQ(::lchown((config.labs.root + "/linked").c_str(), 700004, 700004), 0);
    fs::create_directories(config.state_dir + "/ganesha/exports");
    std::ofstream(config.state_dir + "/ganesha/exports/lab3.conf")
        << "# stowage export\n# lab: lab3\n# export_id: 1003\n# path: /x\n";
    std::ofstream(config.state_dir + "/ganesha/exports/lab1.conf")
        << "# stowage export\n# lab: lab1\n# export_id: 1001\n# path: /x\n";
    EXPECT_EQ(to_text(find_on_disk(config)), "export_id 1003\nuid 700003 lab3\n");
    make("of a lab, odd", 700005);
    EXPECT_THAT(to_text(find_on_disk(config)), HasSubstr("uid 700005\n"));
    EXPECT_TRUE(labs_are_mounted(config));
}

}  // namespace
}  // namespace stowage::cli
