// The certificate and its key belong together, or the gateway does not start.
#include "gateway/certificate/certificate.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "gateway/base/atomic_file.hpp"

namespace stowage {
namespace {

class CertificateTest : public testing::Test {
  protected:
    CertificateTest() : folder_(::mkdtemp(pattern_)) {}
    ~CertificateTest() override { std::filesystem::remove_all(folder_); }
    CertificateFiles files(const std::string& name) const {
        return {folder_ + "/" + name + ".pem", folder_ + "/" + name + ".key"};
    }
    char pattern_[32] = "/tmp/stowage-cert-XXXXXX";
    std::string folder_;
};

TEST_F(CertificateTest, SelfSignedOneLoads) {
    if (::geteuid() != 0) GTEST_SKIP() << "the files are given to root";
    ASSERT_TRUE(make_self_signed(files("a"), {"storage.example.org", "192.0.2.7", "fe80::1"}));
    const auto loaded = load_certificate(files("a"));
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_GT(loaded->not_after, std::chrono::system_clock::now() + std::chrono::hours(24 * 800));
    EXPECT_EQ(std::filesystem::status(files("a").key_path).permissions(), std::filesystem::perms(0600));
}

// Published for everybody to read, as admins are told to hand it on.
TEST_F(CertificateTest, ChainIsWithoutThePrivateKeyThatStandsBesideIt) {
    if (::geteuid() != 0) GTEST_SKIP() << "the files are given to root";
    const auto pair = files("a"), other = files("b");
    ASSERT_TRUE(make_self_signed(pair, {"a"}));
    ASSERT_TRUE(make_self_signed(other, {"b"}));
    const auto own = or_throw(read_file(pair.chain_path)), issuer = or_throw(read_file(other.chain_path));
    const auto both =
        "Bag Attributes\r\n" + or_throw(read_file(pair.key_path)) + own + "\n" + issuer + "end\n";
    ASSERT_TRUE(write_atomically(pair.key_path, both, {0, 0, 0600}));
    const auto loaded = load_certificate({pair.key_path, pair.key_path});
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ(loaded->chain_pem, own + issuer);
    ASSERT_TRUE(write_atomically(pair.key_path, both + "-----BEGIN CERTIFICATE-----\nMIIB\n", {0, 0, 0600}));
    const auto broken = load_certificate({pair.key_path, pair.key_path});
    ASSERT_FALSE(broken);
    EXPECT_NE(broken.error().what.find("a.key holds a broken PEM certificate"), std::string::npos);
}

TEST_F(CertificateTest, KeyOfAnotherCertificateIsRefused) {
    if (::geteuid() != 0) GTEST_SKIP() << "the files are given to root";
    ASSERT_TRUE(make_self_signed(files("a"), {"a"}));
    ASSERT_TRUE(make_self_signed(files("b"), {"b"}));
    const auto refused = load_certificate({files("a").chain_path, files("b").key_path});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("does not belong"), std::string::npos);
}

TEST_F(CertificateTest, KeyThatOthersMayReadIsRefused) {
    if (::geteuid() != 0) GTEST_SKIP() << "the files are given to root";
    ASSERT_TRUE(make_self_signed(files("a"), {"a"}));
    ::chmod(files("a").key_path.c_str(), 0644);
    const auto refused = load_certificate(files("a"));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().remedy.find("chmod 0600"), std::string::npos);
}

TEST_F(CertificateTest, KeptPairStaysAPairWhereverTheMakingIsCutOff) {
    if (::geteuid() != 0) GTEST_SKIP() << "the files are given to root";
    namespace fs = std::filesystem;
    const auto pair = files("a"), old = CertificateFiles{pair.chain_path + ".old", pair.key_path + ".old"};
    // The chain is renamed, then the key, then the new key is written, then the new chain.
    for (int cut = 1; cut <= 3; ++cut) {
        ASSERT_TRUE(make_self_signed(files("earlier"), {"earlier"}));
        fs::copy_file(files("earlier").chain_path, old.chain_path, fs::copy_options::overwrite_existing);
        fs::copy_file(files("earlier").key_path, old.key_path, fs::copy_options::overwrite_existing);
        fs::remove(pair.chain_path);
        fs::remove(pair.key_path);
        ASSERT_TRUE(make_self_signed(files("b"), {"b"}));
        const auto kept = *read_file(files("b").chain_path);
        fs::rename(files("b").chain_path, old.chain_path);
        fs::rename(files("b").key_path, cut >= 2 ? old.key_path : pair.key_path);
        if (cut >= 3) {
            ASSERT_TRUE(make_self_signed(files("c"), {"c"}));
            fs::rename(files("c").key_path, pair.key_path);
            fs::remove(files("c").chain_path);
        }
        ASSERT_TRUE(make_self_signed(pair, {"a"})) << cut;
        EXPECT_TRUE(load_certificate(pair)) << cut;
        EXPECT_EQ(*read_file(old.chain_path), kept) << cut;
        EXPECT_TRUE(key_fits(*read_file(old.chain_path), *read_file(old.key_path))) << cut;
    }
}

TEST_F(CertificateTest, RenewalIsSaidForWhoseFilesTheyAre) {
    Config config;
    config.state_dir = folder_;
    EXPECT_NE(how_to_renew(config).find("stowage tls install CERT KEY"), std::string::npos);
    EXPECT_NE(certificate_files(config).renewal.find("remove both files"), std::string::npos);
    // tls install refuses these.
    config.ftps.certificate = folder_ + "/live.pem";
    for (const auto& remedy : {how_to_renew(config), certificate_files(config).renewal}) {
        EXPECT_EQ(remedy.find("tls install"), std::string::npos);
        EXPECT_NE(remedy.find("systemctl reload-or-restart stowage"), std::string::npos);
        EXPECT_EQ(remedy.find("remove"), std::string::npos);
    }
}

TEST_F(CertificateTest, RubbishIsRefusedWithItsPath) {
    const auto pair = files("a");
    const FileOwner me{::getuid(), ::getgid(), 0600};
    ASSERT_TRUE(write_atomically(pair.chain_path, "rubbish", me));
    ASSERT_TRUE(write_atomically(pair.key_path, "rubbish", me));
    const auto refused = load_certificate(pair);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find(pair.chain_path), std::string::npos);
}

}  // namespace
}  // namespace stowage
