// Certificates of clients: asked for, and checked against a lab's CAs.
#include "ftps/front/client_certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ftps_front/handshake.hpp"

namespace stowage::ftps {
namespace {

using namespace handshake;
using ::testing::HasSubstr;

class ClientCertificate : public ::testing::TestWithParam<int> {
  protected:
    ClientCertificate() { request_client_certificate(server_.context()); }

    /// What check_client() says of a client with these, towards `cas`.
    ClientCheck check(const Identity* own, const std::string& cas, const Identity* intermediate = nullptr) {
        const auto context = client_context(GetParam());
        if (own) {
            SSL_CTX_use_certificate(context.get(), own->certificate.get());
            SSL_CTX_use_PrivateKey(context.get(), own->key.get());
        }
        if (intermediate) SSL_CTX_add1_chain_cert(context.get(), intermediate->certificate.get());
        const Connection connection(server_.context(), context.get());
        EXPECT_TRUE(connection.done()) << "the handshake goes on with any certificate, and without";
        return check_client(connection.server.get(), cas);
    }

    Server server_{identity("storage.example", nullptr, "serverAuth")};
    Identity ca_ = identity("lab1 CA", nullptr, ""), other_ca_ = identity("other CA", nullptr, "");
};

TEST_P(ClientCertificate, ThatLeadsToTheLabsCaIsTaken) {
    const auto alice = identity("alice", &ca_, "clientAuth");
    const auto taken = check(&alice, other_ca_.certificate_pem() + ca_.certificate_pem());
    EXPECT_TRUE(taken.ok);
    EXPECT_EQ(taken.text, "CN=alice");
    const auto intermediate = identity("department", &ca_, "");
    const auto bob = identity("bob", &intermediate, "clientAuth");
    EXPECT_TRUE(check(&bob, ca_.certificate_pem(), &intermediate).ok);
    EXPECT_TRUE(check(&bob, intermediate.certificate_pem()).ok)
        << "the bundle may hold the intermediate alone";
}

// Taken out (check_client says yes to whatever the handshake took): each of these is taken.
TEST_P(ClientCertificate, OfOthersIsNotTaken) {
    EXPECT_EQ(check(nullptr, ca_.certificate_pem()).text, "the client presented no certificate");
    const auto mallory = identity("mallory", &other_ca_, "clientAuth"),
               self = identity("self", nullptr, "clientAuth");
    EXPECT_THAT(check(&mallory, ca_.certificate_pem()).text, HasSubstr("CN=mallory: unable to get"));
    EXPECT_FALSE(check(&mallory, ca_.certificate_pem(), &other_ca_).ok) << "it brings its own CA along";
    EXPECT_FALSE(check(&self, ca_.certificate_pem()).ok);
    EXPECT_FALSE(check(&mallory, "").ok);
    EXPECT_FALSE(check(&mallory, "no PEM").ok);
    // A CA of the same name and another key.
    const auto posing = identity("lab1 CA", nullptr, "");
    const auto forged = identity("alice", &posing, "clientAuth");
    EXPECT_FALSE(check(&forged, ca_.certificate_pem(), &posing).ok);
}

// Taken out one by one (the purpose, the security level): each fails.
TEST_P(ClientCertificate, ThatIsExpiredWeakOrForAnotherPurposeIsNotTaken) {
    const auto expired = identity("alice", &ca_, "clientAuth", ec_key(), -60);
    EXPECT_THAT(check(&expired, ca_.certificate_pem()).text, HasSubstr("expired"));
    const auto server = identity("alice", &ca_, "serverAuth");
    EXPECT_THAT(check(&server, ca_.certificate_pem()).text, HasSubstr("purpose"));
    const auto weak = identity("alice", &ca_, "clientAuth", Key(EVP_RSA_gen(1024)));
    EXPECT_THAT(check(&weak, ca_.certificate_pem()).text, HasSubstr("too weak"));
    // A member's certificate makes no others.
    const auto alice = identity("alice", &ca_, "clientAuth");
    const auto child = identity("child", &alice, "clientAuth");
    EXPECT_FALSE(check(&child, ca_.certificate_pem(), &alice).ok);
}

INSTANTIATE_TEST_SUITE_P(Versions, ClientCertificate, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                             return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

}  // namespace
}  // namespace stowage::ftps
