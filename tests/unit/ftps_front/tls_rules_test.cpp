// Which TLS is spoken: versions, ciphers, key sizes; what is stapled.
#include <gtest/gtest.h>

#include <ctime>

#include "ftps/front/stapling.hpp"
#include "ftps/protocol/tls_sessions.hpp"
#include "tests/unit/ftps_front/handshake.hpp"

namespace stowage::ftps {
namespace {

using namespace handshake;

Identity rsa_identity(int bits) {
    return identity("storage.example", nullptr, "serverAuth", Key(EVP_RSA_gen(static_cast<unsigned>(bits))));
}

bool agree_upon(SSL_CTX* server, const char* cipher) {
    const auto client = client_context(TLS1_2_VERSION);
    EXPECT_EQ(SSL_CTX_set_cipher_list(client.get(), cipher), 1) << cipher;
    return Connection(server, client.get()).done();
}

// Taken out (OpenSSL's default list): of the second half some are agreed upon.
TEST(TlsRules, OnlyForwardSecrecyWithAuthenticatedEncryption) {
    Server ecdsa(identity("storage.example", nullptr, "serverAuth")), rsa(rsa_identity(2048));
    for (const auto* good :
         {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"})
        EXPECT_TRUE(agree_upon(ecdsa.context(), good)) << good;
    for (const auto* good :
         {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"})
        EXPECT_TRUE(agree_upon(rsa.context(), good)) << good;
    for (const auto* bad : {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"})
        EXPECT_FALSE(agree_upon(ecdsa.context(), bad)) << bad;
    for (const auto* bad : {"AES128-GCM-SHA256", "AES256-SHA", "DHE-RSA-AES128-GCM-SHA256",
                            "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "aNULL", "eNULL"})
        EXPECT_FALSE(agree_upon(rsa.context(), bad)) << bad;
}

// Older versions fail for want of a common cipher too: the least one is looked at by itself.
// Taken out (the lowest version): this fails.
TEST(TlsRules, OnlyVersions12And13) {
    Server server(identity("storage.example", nullptr, "serverAuth"));
    EXPECT_EQ(SSL_CTX_get_min_proto_version(server.context()), TLS1_2_VERSION);
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION})
        EXPECT_FALSE(Connection(server.context(), client_context(version).get()).done()) << version;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        EXPECT_TRUE(Connection(server.context(), client_context(version).get()).done()) << version;
}

// Security level 2: 112 bits. Taken out (@SECLEVEL=1): the key of 1024 bits serves.
TEST(TlsRules, WeakKeysAreRefused) {
    TicketKeys keys;
    const auto weak = rsa_identity(1024);
    const auto refused = make_control_context(weak.certificate_pem(), weak.key_pem(), keys);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("too small"), std::string::npos) << refused.error().what;
    const auto good = rsa_identity(2048);
    const auto context = make_control_context(good.certificate_pem(), good.key_pem(), keys);
    ASSERT_TRUE(context);
    EXPECT_EQ(SSL_CTX_get_security_level(context->get()), 2);
}

/// Whether the client got a ticket, of those that come after the handshake too.
bool gets_a_ticket(SSL_CTX* server, SSL_CTX* client_side) {
    const Connection connection(server, client_side);
    EXPECT_TRUE(connection.done());
    char byte = 0;
    (void)SSL_read(connection.client.get(), &byte, 1);
    return SSL_SESSION_has_ticket(SSL_get_session(connection.client.get())) == 1;
}

// A ticket of TLS 1.2 holds the keys of the connection that it travels on, and every lab's worker can open
// it: with it, a worker that was taken over and a look at the wire are the passwords of all labs. Taken out
// (on_hello): this fails.
TEST(TlsRules, NoTicketHoldsTheKeysOfAControlConnection) {
    Server server(identity("storage.example", nullptr, "serverAuth"));
    const auto old = client_context(TLS1_2_VERSION);
    EXPECT_FALSE(gets_a_ticket(server.context(), old.get()));
    EXPECT_TRUE(gets_a_ticket(server.context(), client_context(TLS1_3_VERSION).get()));

    const auto both = client_context(TLS1_3_VERSION);
    SSL_CTX_set_min_proto_version(both.get(), TLS1_2_VERSION);
    EXPECT_TRUE(gets_a_ticket(server.context(), both.get()));

    // It resumes by its id, which opens nothing.
    const Connection connection(server.context(), old.get());
    ASSERT_TRUE(connection.done());
    EXPECT_FALSE(session_without_ticket(connection.server.get()).empty());
}

std::string stapled_for(SSL_CTX* server, bool asks, int version) {
    const auto client = client_context(version);
    const Connection connection(server, client.get(), [asks](SSL* ssl) {
        if (asks) SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    });
    EXPECT_TRUE(connection.done());
    const unsigned char* bytes = nullptr;
    const auto size = SSL_get_tlsext_status_ocsp_resp(connection.client.get(), &bytes);
    return size > 0 ? std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)) : "";
}

// Taken out (the end of its time): this fails.
TEST(TlsRules, OcspResponseIsStapledForWhoAsksAndWhileItIsGood) {
    const auto own = identity("storage.example", nullptr, "serverAuth");
    Server without(own), with(own), stale(own);
    staple(with.context(), {"the response", std::time(nullptr) + 60});
    staple(stale.context(), {"the response", std::time(nullptr) - 1});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        EXPECT_EQ(stapled_for(with.context(), true, version), "the response");
        EXPECT_EQ(stapled_for(with.context(), false, version), "");
        EXPECT_EQ(stapled_for(stale.context(), true, version), "");
        EXPECT_EQ(stapled_for(without.context(), true, version), "");
    }
}

}  // namespace
}  // namespace stowage::ftps
