// Places of a backup's files: links, owners, and two names for one place.
// Runs in: unit tests.
#include "gateway/cli/file_places.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gateway/cli/staged_files.hpp"

namespace stowage::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::string_view certificate = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n",
                           parameters = "-----BEGIN DH PARAMETERS-----\nMII=\n-----END DH PARAMETERS-----\n",
                           key = "-----BEGIN EC PRIVATE KEY-----\nMII=\n-----END EC PRIVATE KEY-----\n";

class FilePlaces : public testing::Test {
  protected:
    FilePlaces() : folder_(::mkdtemp(pattern_)) {}
    ~FilePlaces() override { fs::remove_all(folder_); }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "files and links are given away";
    }
    std::string at(const std::string& name) const { return folder_ + "/" + name; }
    std::string make(const std::string& name, mode_t mode, uid_t uid = 0, gid_t gid = 0) const {
        std::ofstream(at(name)) << "of before";
        EXPECT_EQ(::chown(at(name).c_str(), uid, gid), 0);
        EXPECT_EQ(::chmod(at(name).c_str(), mode), 0);
        return at(name);
    }
    void link(const std::string& to, const std::string& name, uid_t uid = 0) const {
        fs::create_symlink(to, at(name));
        EXPECT_EQ(::lchown(at(name).c_str(), uid, uid), 0);
    }
    char pattern_[32] = "/tmp/stowage-places-XXXXXX";
    std::string folder_;
};

mode_t mode_of(const std::string& path, mode_t at_first, const std::string& bytes) {
    return owner_in_place(path, {0, 0, at_first}, bytes).mode;
}

TEST_F(FilePlaces, NewFileIsForEverybodyOnlyIfNoSecretIsInIt) {
    const std::string chain(certificate), more(parameters), secret(key);
    EXPECT_EQ(mode_of(at("new"), 0644, chain + chain + more), 0644u);
    EXPECT_EQ(mode_of(at("new"), 0644, secret + chain), 0600u);
    EXPECT_EQ(mode_of(at("new"), 0644, chain + secret), 0600u);
    EXPECT_EQ(mode_of(at("new"), 0644, chain + "-----BEGIN something cut off"), 0600u);
    EXPECT_EQ(mode_of(at("new"), 0600, chain), 0600u);
}

TEST_F(FilePlaces, FileThatIsThereKeepsOwnerAndModeButNobodyElseIsLetIntoASecret) {
    const auto shared = make("shared", 0640, 65534, 7);
    const auto owner = owner_in_place(shared, {0, 0, 0600}, key);
    EXPECT_EQ(owner.uid, 65534u);
    EXPECT_EQ(owner.gid, 7u);
    EXPECT_EQ(owner.mode, 0640u);
    EXPECT_EQ(mode_of(make("open", 0666), 0644, std::string(certificate)), 0664u);
    EXPECT_EQ(mode_of(make("open", 0666), 0644, std::string(key)), 0640u);
}

TEST_F(FilePlaces, LinksAreFollowedAlsoToWhatIsNotThereYet) {
    make("file", 0644, 65534);
    link("file", "near");
    link(at("near"), "far");
    link("not-there", "early");
    link(".", "folder");
    const auto canonical = fs::canonical(folder_).string();
    EXPECT_EQ(*behind_links(at("far")), canonical + "/file");
    EXPECT_EQ(*behind_links(at("folder/near")), canonical + "/file");
    EXPECT_EQ(*behind_links(at("early")), canonical + "/not-there");
    link("round", "round");
    EXPECT_FALSE(behind_links(at("round")));
    EXPECT_EQ(behind_links("/dev/null").error().code, Code::config);
}

TEST_F(FilePlaces, LinkOfSomebodyIsFollowedToHisOwnFileOnly) {
    make("his", 0644, 65534);
    make("root's", 0644);
    link("his", "good", 65534);
    link("root's", "bad", 65534);
    link("nothing", "early", 65534);
    EXPECT_TRUE(behind_links(at("good")));
    EXPECT_EQ(behind_links(at("bad")).error().code, Code::denied);
    EXPECT_EQ(behind_links(at("early")).error().code, Code::denied);
}

TEST_F(FilePlaces, TwoNamesHaveOnePlaceIfTheirBytesAreTheSame) {
    TakenPlaces places;
    EXPECT_TRUE(*places.take("/a", "certificate.pem", "x"));
    EXPECT_FALSE(*places.take("/a", "private-key.pem", "x"));
    EXPECT_TRUE(*places.take("/b", "private-key.pem", "y"));
    const auto other = places.take("/a", "runai-ca.pem", "y");
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().what, HasSubstr("certificate.pem and runai-ca.pem both belong in /a"));
}

TEST_F(FilePlaces, StagedTwiceChangesNothing) {
    const auto path = make("file", 0644);
    {
        StagedFiles staged;
        ASSERT_TRUE(staged.add(path, "one", {}));
        EXPECT_FALSE(staged.add(path, "other", {}));
    }
    EXPECT_EQ(*read_file(path), "of before");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace stowage::cli
