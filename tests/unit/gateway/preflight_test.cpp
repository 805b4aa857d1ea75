// What preflight says of a configuration: key, words and remedy, as the process that refuses would.
#include "gateway/preflight/preflight.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace stowage {
namespace {

using Severity = Finding::Severity;

class Preflight : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
        std::filesystem::create_directories(folder_ + "/labs");
        std::ofstream(folder_ + "/stowage");
        std::ofstream(folder_ + "/secret") << "s3cret\n";
        ::chmod((folder_ + "/secret").c_str(), 0600);
        for (const auto& [key, value] : {std::pair<std::string, std::string>{"labs.root", folder_ + "/labs"},
                                         {"state_dir", folder_ + "/state"},
                                         {"run_dir", folder_ + "/run"},
                                         {"process.controller_user", "1"},
                                         {"process.front_user", "2"},
                                         {"process.admin_group", "3"},
                                         {"accounts.pam_confdir", folder_},
                                         {"nfs.server", "ganesha"},
                                         {"nfs.ganesha_executable", "/bin/true"},
                                         {"nfs.dbus_executable", "/bin/true"},
                                         {"nfs.address", "node1"},
                                         {"runai.url", "http://127.0.0.1:9"},
                                         {"runai.client_id", "id"},
                                         {"runai.client_secret_file", folder_ + "/secret"}})
            values_[key] = {value, "test"};
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    /// "key: what" of the errors with these values changed; each must have a remedy.
    std::string errors(const ConfigValues& changed) {
        auto values = values_;
        for (const auto& [key, value] : changed)
            values[key] = value;
        std::string text;
        for (const auto& finding : preflight(*parse_config(values))) {
            if (finding.severity != Severity::error) continue;
            EXPECT_FALSE(finding.error.remedy.empty()) << finding.error.what;
            text += finding.key + ": " + finding.error.what + "\n";
        }
        return text;
    }
    std::string errors(const std::string& key, const std::string& value) {
        return errors({{key, {value, "test"}}});
    }

    std::string folder_ = (std::filesystem::temp_directory_path() / "stowage-preflight.XXXXXX").string();
    ConfigValues values_;
};

TEST_F(Preflight, FindsNothingWhereAllIsRight) {
    EXPECT_EQ(errors({}), "");
}

TEST_F(Preflight, KnowsWhatTheControllerRefusesOfRunai) {
    using testing::StartsWith;
    EXPECT_THAT(errors("runai.url", "https://host/path"), StartsWith("runai.url: "));
    EXPECT_THAT(errors("runai.url", "http://host"), StartsWith("runai.url: "));
    EXPECT_THAT(errors("runai.cluster", ""), StartsWith("runai.cluster: "));
    EXPECT_THAT(errors("runai.container_path", "/"), StartsWith("runai.container_path: "));
    EXPECT_THAT(errors("nfs.address", "a b"), StartsWith("nfs.address: "));
    EXPECT_THAT(errors("runai.client_secret_file", folder_ + "/nowhere"),
                StartsWith("runai.client_secret_file: "));
    std::ofstream(folder_ + "/secret") << " \n";
    EXPECT_THAT(errors({}), testing::HasSubstr("is empty"));
    ::chmod((folder_ + "/secret").c_str(), 0644);
    EXPECT_THAT(errors({}), testing::HasSubstr("open to others"));
}

TEST_F(Preflight, ReadsTheCaBundle) {
    const ConfigValues https = {{"runai.url", {"https://host", "test"}},
                                {"runai.ca_bundle", {folder_ + "/ca.pem", "test"}}};
    EXPECT_THAT(errors(https), testing::StartsWith("runai.ca_bundle: "));
    std::ofstream(folder_ + "/ca.pem") << "no certificate";
    EXPECT_THAT(errors(https), testing::StartsWith("runai.ca_bundle: "));
    // Not looked at where nobody will.
    EXPECT_EQ(errors("runai.ca_bundle", folder_ + "/nowhere.pem"), "");
}

TEST_F(Preflight, KnowsAccountsFoldersAndService) {
    EXPECT_THAT(errors("process.front_user", "1"), testing::HasSubstr("same account"));
    EXPECT_THAT(errors("process.front_user", "0"), testing::HasSubstr("is root"));
    EXPECT_THAT(errors("accounts.pam_service", "nonesuch"), testing::StartsWith("accounts.pam_service: "));
    EXPECT_THAT(errors("run_dir", folder_ + "/" + std::string(100, 'x')), testing::HasSubstr("too long"));
    EXPECT_THAT(errors("state_dir", folder_ + "/stowage"), testing::HasSubstr("is not a directory"));
}

TEST_F(Preflight, NamesTheDirectoryBehindALink) {
    std::filesystem::create_directory(folder_ + "/real");
    std::filesystem::create_directory_symlink(folder_ + "/real", folder_ + "/link");
    for (const auto* key : {"state_dir", "run_dir"})
        EXPECT_EQ(errors(key, folder_ + "/link"),
                  std::string(key) + ": " + folder_ + "/link is a symbolic link\n");
}

TEST_F(Preflight, ASecretThatOnlyRootReadsIsANote) {
    if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
    ::chmod((folder_ + "/secret").c_str(), 0000);
    EXPECT_EQ(errors({}), "");
}

TEST_F(Preflight, NamesLabsOutsideOfTheUidRange) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make a lab's marker";
    for (const auto& [lab, text] : {std::pair{"inside", "inside\nuid=700001\nversion=1\n"},
                                    {"outside", "outside\nuid=600000\nversion=1\n"},
                                    {"foreign", "what they like"}}) {
        const auto path = folder_ + "/labs/" + lab;
        std::filesystem::create_directories(path + "/.stowage");
        std::ofstream(path + "/.stowage/lab") << text;
    }
    EXPECT_EQ(
        errors({}),
        "labs.uid_min: lab outside has uid 600000, outside of labs.uid_min..labs.uid_max (700000..799999)\n");
}

TEST(PassivePorts, ThatLinuxHandsOutAreFound) {
    EXPECT_TRUE(are_handed_out("32768\t60999", "", 50000, 50999));
    EXPECT_TRUE(are_handed_out("32768\t60999", "8080,50000-50998", 50000, 50999));
    EXPECT_TRUE(are_handed_out("32768\t50000", "", 50000, 50999));
    EXPECT_FALSE(are_handed_out("32768\t60999", "8080,50000-50499,50500-50998,50999", 50000, 50999));
    EXPECT_FALSE(are_handed_out("32768\t49999", "", 50000, 50999));
    EXPECT_FALSE(are_handed_out("", "", 50000, 50999)) << "not told";
}

TEST_F(Preflight, LabsThatWereExportedAndAFilesystemWithoutTheirMarkAreAWarning) {
    std::filesystem::create_directories(folder_ + "/state/ganesha/exports");
    std::ofstream(folder_ + "/state/ganesha/exports/lab1.conf") << "# path: " << folder_ << "/labs/lab1\n";
    const auto warned = [&] {
        for (const auto& finding : preflight(*parse_config(values_)))
            if (finding.severity == Severity::warning && finding.key == "labs.root" &&
                finding.error.remedy == "mount it")
                return true;
        return false;
    };
    EXPECT_TRUE(warned());
    std::ofstream(folder_ + "/labs/.stowage-root").flush();
    EXPECT_FALSE(warned());
}

TEST_F(Preflight, LabsThatOnlyThisMachineMayMountAreANote) {
    const auto noted = [&] {
        for (const auto& finding : preflight(*parse_config(values_)))
            if (finding.severity == Severity::note && finding.key == "labs.default_clients") return true;
        return false;
    };
    EXPECT_TRUE(noted());
    values_["labs.default_clients"] = {"127.0.0.0/8,10.0.0.0/8", "test"};
    EXPECT_FALSE(noted());
}

}  // namespace
}  // namespace stowage
