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
