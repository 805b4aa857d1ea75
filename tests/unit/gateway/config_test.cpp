// The configuration: defaults, errors with their place, the sealed copy.
#include "gateway/base/config.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "gateway/base/config_file.hpp"

namespace stowage {
namespace {

class ConfigFile : public testing::Test {
  protected:
    ConfigFile() { path_ = std::string(::mkdtemp(folder_)) + "/stowage.yaml"; }
    ~ConfigFile() override {
        ::unlink(path_.c_str());
        ::rmdir(folder_);
    }
    Result<ConfigValues> read(const std::string& text) {
        std::ofstream(path_) << text;
        ::chmod(path_.c_str(), 0644);
        return read_config_file(path_);
    }
    char folder_[32] = "/tmp/stowage-config-XXXXXX";
    std::string path_;
};

TEST_F(ConfigFile, IsOneDocument) {
    const auto two = read("labs.root: /srv\n---\nnfs.port: 2050\n");
    ASSERT_FALSE(two);
    EXPECT_EQ(two.error().what, path_ + ":2: a second YAML document begins here, which nobody would read");
    EXPECT_TRUE(read("---\nlabs.root: /srv\n"));
    EXPECT_TRUE(read(""));
}

TEST(Config, DefaultsAreValid) {
    const auto config = parse_config({});
    ASSERT_TRUE(config) << config.error().text();
    EXPECT_EQ(config->ftps.port, 21);
    EXPECT_EQ(config->ftps.passive_port_max, 50999);
    EXPECT_EQ(config->labs.root, "/mnt/nfs");
    EXPECT_EQ(config->ftps.partial_expiry, std::chrono::hours(7 * 24));
}

TEST(Config, EveryKeyIsDocumentedOnce) {
    std::set<std::string_view> seen;
    for (const auto& key : config_keys()) {
        EXPECT_TRUE(seen.insert(key.key).second) << key.key;
        EXPECT_FALSE(key.doc.empty()) << key.key;
        EXPECT_FALSE(key.unit.empty()) << key.key;
    }
}

TEST(Config, TellsEveryProblemAtOnceWithOriginAndRemedy) {
    const auto refused = parse_config({{"ftps.port", {"99999", "a.yaml:3"}},
                                       {"ftps.idle_timeout", {"soon", "--set"}},
                                       {"nfs.prot", {"1", "a.yaml:9"}}});
    ASSERT_FALSE(refused);
    const auto text = refused.error().what;
    EXPECT_NE(text.find("a.yaml:3: ftps.port: \"99999\""), std::string::npos) << text;
    EXPECT_NE(text.find("--set: ftps.idle_timeout"), std::string::npos) << text;
    EXPECT_NE(text.find("a.yaml:9: nfs.prot: unknown key; did you mean nfs.port?"), std::string::npos)
        << text;
}

TEST(Config, APathIsKnownByOneSpelling) {
    for (const auto* text : {"/mnt/nfs/", "//mnt//nfs", "/mnt/./nfs/."}) {
        const auto config = parse_config({{"labs.root", {text, "test"}}});
        ASSERT_TRUE(config) << config.error().text();
        EXPECT_EQ(config->labs.root, "/mnt/nfs") << text;
    }
    EXPECT_EQ(parse_config({{"labs.root", {"//", "test"}}})->labs.root, "/");
}

TEST(Config, GuessesNoKeyThatDoesNotResembleWhatWasWritten) {
    const auto refused = parse_config({{"foo", {"bar", "--set"}}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "--set: foo: unknown key; see `stowage config reference`");
}

TEST(Config, ChecksKeysAgainstEachOther) {
    EXPECT_FALSE(parse_config({{"ftps.certificate", {"/a", "x"}}}));
    EXPECT_FALSE(parse_config({{"ftps.port", {"50010", "x"}}}));
    EXPECT_FALSE(parse_config({{"runai.url", {"https://r", "x"}}}));
    EXPECT_FALSE(parse_config({{"labs.uid_min", {"5000", "x"}}, {"labs.uid_max", {"4000", "x"}}}));
    EXPECT_FALSE(parse_config({{"labs.default_clients", {"10.0.0.0/8,10.1.0.0/16", "x"}}}));
}

TEST(Config, SealedCopyReadsBackEqualAndCannotBeChanged) {
    const ConfigValues values = {{"ftps.port", {"2121", "x"}}, {"nfs.address", {"a=b", "x"}}};
    const auto fd = seal("configuration", to_text(values));
    ASSERT_TRUE(fd);
    const auto text = read_sealed(*fd);
    ASSERT_TRUE(text);
    const auto again = values_from_text(*text);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->at("nfs.address").text, "a=b");
    EXPECT_EQ(parse_config(*again)->ftps.port, 2121);
    EXPECT_LT(::pwrite(fd->get(), "x", 1, 0), 0);
    EXPECT_LT(::ftruncate(fd->get(), 0), 0);
}

TEST_F(ConfigFile, NestedMapsAndListsBecomeKeys) {
    const auto values = read("ftps:\n  port: 2121\n  listen: [127.0.0.1, '::1']\nlog_level: debug\n");
    ASSERT_TRUE(values) << values.error().text();
    EXPECT_EQ(values->at("ftps.port").text, "2121");
    EXPECT_EQ(values->at("ftps.port").origin, path_ + ":2");
    EXPECT_EQ(values->at("ftps.listen").text, "127.0.0.1,::1");
}

std::string told(const Config& config) {
    std::string text;
    for (const auto& [network, address] : config.ftps.pasv_addresses)
        text += network + " " + address + ";";
    return text;
}

TEST(Config, PasvAddressIsOneOrOnePerNetworkTheNarrowestFirst) {
    const auto with = [](const std::string& text) {
        return parse_config({{"ftps.pasv_address", {text, "x"}}});
    };
    EXPECT_EQ(told(*with("")), "");
    EXPECT_EQ(told(*with("203.0.113.5")), "0.0.0.0/0 203.0.113.5;");
    EXPECT_EQ(told(*with("default=203.0.113.5, 10.0.0.0/8=reached,10.8.0.0/16 = 10.8.0.1")),
              "10.8.0.0/16 10.8.0.1;10.0.0.0/8 ;0.0.0.0/0 203.0.113.5;");
    for (const auto* bad :
         {"2001:db8::1", "storage.example", "10.8.0.0/16", "10.8.0.1/16=10.8.0.1", "fd00::/8=10.8.0.1",
          "10.0.0.0/8=10.0.0.1,10.0.0.0/8=10.0.0.2", "1.2.3.4,5.6.7.8", "default=", "=1.2.3.4"}) {
        const auto refused = with(bad);
        ASSERT_FALSE(refused) << bad;
        EXPECT_NE(refused.error().what.find("x: ftps.pasv_address: \""), std::string::npos)
            << refused.error().what;
    }
}

TEST_F(ConfigFile, PasvAddressMayBeAMap) {
    const auto values =
        read("ftps:\n  pasv_address: {10.8.0.0/16: 10.8.0.1, default: 203.0.113.5}\n  port: 2121\n");
    ASSERT_TRUE(values) << values.error().text();
    EXPECT_EQ(values->at("ftps.port").text, "2121");
    const auto config = parse_config(*values);
    ASSERT_TRUE(config) << config.error().text();
    EXPECT_EQ(told(*config), "10.8.0.0/16 10.8.0.1;0.0.0.0/0 203.0.113.5;");
    EXPECT_FALSE(read("ftps:\n  pasv_address: {10.8.0.0/16: [10.8.0.1]}\n"));
    EXPECT_FALSE(parse_config(*read("ftps:\n  port: {10.8.0.0/16: 21}\n")));
}

TEST_F(ConfigFile, SyntaxErrorsAndDuplicatesNameTheLine) {
    const auto broken = read("ftps:\n  port: [1\nnfs: x: y\n");
    ASSERT_FALSE(broken);
    EXPECT_NE(broken.error().what.find(path_ + ":"), std::string::npos);
    EXPECT_NE(broken.error().remedy.find("correct"), std::string::npos);
    const auto twice = read("ftps:\n  port: 1\nftps.port: 2\n");
    ASSERT_FALSE(twice);
    EXPECT_NE(twice.error().what.find(path_ + ":3: ftps.port is given twice"), std::string::npos)
        << twice.error().what;
}

// "Take away the # in front of it and of its section": who comments the key out again has an empty section.
TEST_F(ConfigFile, AnEmptySectionIsNone) {
    const auto values = read("ftps:\nlabs:\n  # root: /srv\nlog_level: debug\n");
    ASSERT_TRUE(values) << values.error().text();
    EXPECT_EQ(values->size(), 1u);
    EXPECT_TRUE(parse_config(*values));
    EXPECT_TRUE(read("ftps: {}\n"));
    EXPECT_FALSE(parse_config(*read("ftsp:\n"))) << "no section";
}

TEST_F(ConfigFile, ATabAndAListInTheWrongPlaceAreToldAsSuch) {
    const auto tab = read("labs:\n\troot: /srv\n");
    ASSERT_FALSE(tab);
    EXPECT_NE(tab.error().what.find(path_ + ":2: a tab"), std::string::npos) << tab.error().what;
    EXPECT_NE(tab.error().remedy.find("blanks"), std::string::npos);
    const auto list = read("ftps:\n  - port: 21\n");
    ASSERT_FALSE(list);
    EXPECT_NE(list.error().what.find(path_ + ":2: ftps is a section"), std::string::npos)
        << list.error().what;
}

// Taken out (yaml_problem's first case), the reason is "bad file".
TEST_F(ConfigFile, DeepNestingIsRefusedWithReasonAndRemedy) {
    for (const auto* opened : {"[", "{a: "}) {
        std::string text = "log_level: ";
        for (int i = 0; i < 20000; ++i)
            text += opened;
        const auto deep = read(text);
        ASSERT_FALSE(deep);
        EXPECT_EQ(deep.error().code, Code::config);
        EXPECT_NE(deep.error().what.find(path_ + ":1: lists or maps lie in each other 500 deep"),
                  std::string::npos)
            << deep.error().what;
        EXPECT_NE(deep.error().remedy.find("remove"), std::string::npos);
    }
}

TEST_F(ConfigFile, OneThatOthersMayWriteIsRefused) {
    ASSERT_TRUE(read("log_level: info\n"));
    ::chmod(path_.c_str(), 0666);
    const auto refused = read_config_file(path_);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().remedy.find("chmod"), std::string::npos);
}

TEST_F(ConfigFile, ValueCannotSmuggleALine) {
    EXPECT_FALSE(read("nfs:\n  address: \"a\\nftps.port=1\"\n"));
}

}  // namespace
}  // namespace stowage
