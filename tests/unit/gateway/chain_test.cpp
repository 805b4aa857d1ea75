// What may be installed as the gateway's certificate, and that it comes whole.
#include "gateway/certificate/chain.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "gateway/base/atomic_file.hpp"

namespace stowage {
namespace {

using std::chrono::hours;
using std::chrono::system_clock;
using testing::HasSubstr;

class ChainTest : public testing::Test {
  protected:
    ChainTest() : folder_(::mkdtemp(pattern_)) {}
    ~ChainTest() override { std::filesystem::remove_all(folder_); }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "the files are given to root";
    }
    CertificateFiles files(const std::string& name) const {
        return {folder_ + "/" + name + "/certificate.pem", folder_ + "/" + name + "/private-key.pem"};
    }
    LoadedCertificate made(const std::string& name, const std::vector<std::string>& names) const {
        or_throw(make_self_signed(files(name), names));
        return or_throw(load_certificate(files(name)));
    }
    char pattern_[32] = "/tmp/stowage-chain-XXXXXX";
    std::string folder_;
};

TEST_F(ChainTest, SaysWhoseItIs) {
    const auto chain = made("a", {"storage.example.org", "192.0.2.7", "2001:db8::1"}).chain_pem;
    const auto facts = describe_certificate(chain);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->subject, "CN = storage.example.org");
    EXPECT_THAT(facts->names, testing::ElementsAre("storage.example.org", "192.0.2.7", "2001:db8::1"));
    EXPECT_TRUE(facts->self_signed);
    EXPECT_EQ(facts->sha256.size(), 32 * 3 - 1u);
    EXPECT_FALSE(describe_certificate("no certificate"));
    EXPECT_FALSE(is_issued_by_another(files("a").chain_path));
}

TEST_F(ChainTest, MustBeForTheNamesThatClientsUse) {
    const auto chain = made("a", {"storage.example.org", "192.0.2.7"}).chain_pem;
    EXPECT_TRUE(check_chain(chain, {"storage.example.org", "192.0.2.7"}));
    const auto other = check_chain(chain, {"storage.example.org", "other.example.org"});
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().what,
                HasSubstr("not for other.example.org, but for storage.example.org, 192.0.2.7"));
    const auto none = check_chain(chain, {});
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().remedy, HasSubstr("--name"));
    EXPECT_TRUE(check_chain(made("own", host_names()).chain_pem, {}));
}

TEST_F(ChainTest, EachIsSignedByTheOneBehindIt) {
    const auto a = made("a", {"a.example.org"}).chain_pem, b = made("b", {"b.example.org"}).chain_pem;
    const auto refused = check_chain(a + b, {"a.example.org"});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr("is not signed by the one behind it"));
}

TEST_F(ChainTest, BothFilesAreReplacedTogether) {
    const auto before = made("own", {"old.example.org"}), fresh = made("new", {"new.example.org"});
    ASSERT_TRUE(install_pair(files("own"), fresh));
    const auto now = load_certificate(files("own"));
    ASSERT_TRUE(now) << now.error().text();
    EXPECT_EQ(now->chain_pem, fresh.chain_pem);
    EXPECT_EQ(now->key_pem.reveal(), fresh.key_pem.reveal());
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/own.new"));
    EXPECT_EQ(std::filesystem::status(folder_ + "/own").permissions(), std::filesystem::perms(0700));
}

TEST(Expiry, IsWarnedOfThirtyDaysAhead) {
    const auto now = system_clock::now();
    EXPECT_EQ(expiry_warning(now + hours(24 * 31)), "");
    EXPECT_THAT(expiry_warning(now + hours(24 * 12 + 1)), HasSubstr("in 12 days"));
    EXPECT_THAT(expiry_warning(now + hours(25)), HasSubstr("in 1 day"));
    EXPECT_THAT(expiry_warning(now - hours(1)), HasSubstr("expired on"));
}

}  // namespace
}  // namespace stowage
