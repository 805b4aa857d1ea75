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
