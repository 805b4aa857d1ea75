// Tickets made in one SSL_CTX resume in another one that has no certificate, and only there where they may.
#include "ftps/protocol/ticket_keys.hpp"

#include <gtest/gtest.h>

#include "gateway/base/tls_handles.hpp"

namespace stowage::ftps {
namespace {

using Context = openssl::TlsContext;
using Connection = openssl::TlsConnection;
using Session = openssl::TlsSession;

constexpr message::Nonce nonce_a{1, 2, 3}, nonce_b{9, 9, 9};

message::TicketKey key_number(int number) {
    message::TicketKey key;
    key.name.fill(static_cast<std::uint8_t>(number));
    key.aes.fill(static_cast<std::uint8_t>(number + 1));
    key.hmac.fill(static_cast<std::uint8_t>(number + 2));
    return key;
}

void give_certificate(SSL_CTX* context) {
    const openssl::Key key(EVP_EC_gen("P-256"));
    const openssl::Certificate certificate(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    ASSERT_EQ(SSL_CTX_use_certificate(context, certificate.get()), 1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey(context, key.get()), 1);
}

// A client and a server joined in memory, with the tickets that the client was given.
struct Handshake {
    Connection client, server;
    bool done = false;

    Handshake(SSL_CTX* client_context, SSL_CTX* server_context, SSL_SESSION* session,
              const message::Nonce* nonce)
        : client(SSL_new(client_context)), server(SSL_new(server_context)) {
        BIO *client_bio = nullptr, *server_bio = nullptr;
        BIO_new_bio_pair(&client_bio, 0, &server_bio, 0);
        SSL_set_bio(client.get(), client_bio, client_bio);
        SSL_set_bio(server.get(), server_bio, server_bio);
        SSL_set_connect_state(client.get());
        SSL_set_accept_state(server.get());
        SSL_set_tlsext_host_name(client.get(), "storage.example");
        if (session) SSL_set_session(client.get(), session);
        if (nonce) TicketKeys::set_nonce(server.get(), *nonce);
        for (int i = 0; i < 10 && !done; ++i) {
            const int a = SSL_do_handshake(client.get()), b = SSL_do_handshake(server.get());
            done = a == 1 && b == 1;
        }
        read_tickets();
    }
    // Without a close_notify OpenSSL's client would throw the session away.
    ~Handshake() {
        if (done) SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    void read_tickets() {
        char byte;
        SSL_read(client.get(), &byte, 1);
    }
};

class Tickets : public testing::TestWithParam<int> {
  protected:
    Context front_{SSL_CTX_new(TLS_server_method())}, worker_{SSL_CTX_new(TLS_server_method())},
        client_{SSL_CTX_new(TLS_client_method())};
    TicketKeys front_keys_, worker_keys_;
    message::Nonce accepted_ = nonce_a;
    int asked_ = 0;
    std::vector<Session> received_;

    void SetUp() override {
        set_common_options(front_.get());
        set_common_options(worker_.get());
        give_certificate(front_.get());
        front_keys_.issue_in(front_.get());
        worker_keys_.accept_in(worker_.get(), [this](SSL*, const message::Nonce& nonce) {
            ++asked_;
            return nonce == accepted_;
        });
        for (auto* keys : {&front_keys_, &worker_keys_})
            keys->add(key_number(1));
        SSL_CTX_set_min_proto_version(client_.get(), GetParam());
        SSL_CTX_set_max_proto_version(client_.get(), GetParam());
        SSL_CTX_set_session_cache_mode(client_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_set_ex_data(client_.get(), 0, this);
        SSL_CTX_sess_set_new_cb(client_.get(), [](SSL* ssl, SSL_SESSION* session) {
            static_cast<Tickets*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0))
                ->received_.emplace_back(session);
            return 1;
        });
    }

    Handshake control() { return {client_.get(), front_.get(), nullptr, &nonce_a}; }
    // A copy, because OpenSSL's own client uses a TLS 1.3 ticket only once.
    Handshake data(SSL_SESSION* session) {
        Session copy(session ? SSL_SESSION_dup(session) : nullptr);
        return {client_.get(), worker_.get(), copy.get(), nullptr};
    }
};

// Taken out (accept_in() and judge() send tickets on data connections): TLS 1.3 fails.
TEST_P(Tickets, ResumeWithoutCertificateAsOftenAsTheyCome) {
    auto first = control();
    ASSERT_TRUE(first.done);
    ASSERT_EQ(received_.size(), 1u);
    for (int i = 0; i < 3; ++i) {
        auto second = data(received_.front().get());
        ASSERT_TRUE(second.done);
        EXPECT_TRUE(SSL_session_reused(second.server.get()));
    }
    EXPECT_EQ(received_.size(), 1u) << "a data connection sent a ticket";
}

TEST_P(Tickets, NoTicketNoHandshake) {
    EXPECT_FALSE(data(nullptr).done);
    EXPECT_EQ(asked_, 0);
}

// Taken out (judge() asks nobody): this fails.
TEST_P(Tickets, TicketOfAnotherConnectionIsRefused) {
    (void)control();
    accepted_ = nonce_b;
    EXPECT_FALSE(data(received_.at(0).get()).done);
    EXPECT_EQ(asked_, 1);
}

TEST_P(Tickets, UnknownKeyIsRefused) {
    front_keys_.add(key_number(2));
    (void)control();
    EXPECT_FALSE(data(received_.at(0).get()).done);
    EXPECT_EQ(asked_, 0);
}

// Taken out (the limit in TicketKeys::add()): this fails.
TEST_P(Tickets, OlderKeysStillDecryptAndTheOldestIsForgotten) {
    (void)control();
    for (int i = 0; i < static_cast<int>(message::ticket_keys_kept); ++i)
        worker_keys_.add(key_number(2 + i));
    EXPECT_TRUE(data(received_.at(0).get()).done);
    worker_keys_.add(key_number(100));
    EXPECT_FALSE(data(received_.at(0).get()).done);
}

// Ordered by a time of theirs, a key of a clock that ran ahead would encrypt for ever, long after the workers
// have dropped it.
// Taken out (the last key but one encrypts): this fails.
TEST_P(Tickets, TheKeyThatCameLastEncrypts) {
    front_keys_.add(key_number(5));
    front_keys_.add(key_number(3));
    worker_keys_.add(key_number(3));
    (void)control();
    EXPECT_TRUE(data(received_.at(0).get()).done);
}

TEST_P(Tickets, ControlConnectionsAreNeverResumed) {
    (void)control();
    Handshake again(client_.get(), front_.get(), received_.at(0).get(), &nonce_b);
    ASSERT_TRUE(again.done);
    EXPECT_FALSE(SSL_session_reused(again.server.get()));
    ASSERT_EQ(received_.size(), 2u);
    accepted_ = nonce_b;
    auto resumed = data(received_.at(1).get());
    ASSERT_TRUE(resumed.done);
    EXPECT_TRUE(SSL_session_reused(resumed.server.get())) << "by the nonce that is accepted, nonce_b";
}

// Taken out (add_nonce() says yes): this fails.
TEST_P(Tickets, WithoutANonceThereIsNoTicket) {
    Handshake handshake(client_.get(), front_.get(), nullptr, nullptr);
    EXPECT_TRUE(received_.empty());
}

INSTANTIATE_TEST_SUITE_P(Versions, Tickets, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                             return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST(FreshTickets, AreSentOnDemandOverTls13) {
    Context front(SSL_CTX_new(TLS_server_method())), client(SSL_CTX_new(TLS_client_method()));
    set_common_options(front.get());
    give_certificate(front.get());
    TicketKeys keys;
    keys.add(key_number(1));
    keys.issue_in(front.get());
    static int received = 0;
    SSL_CTX_set_session_cache_mode(client.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client.get(), [](SSL*, SSL_SESSION*) { return ++received, 0; });
    Handshake handshake(client.get(), front.get(), nullptr, &nonce_a);
    ASSERT_EQ(received, 1);
    for (int i = 2; i < 5; ++i) {
        ASSERT_EQ(SSL_new_session_ticket(handshake.server.get()), 1);
        ASSERT_EQ(SSL_write(handshake.server.get(), "x", 1), 1);
        handshake.read_tickets();
        EXPECT_EQ(received, i);
    }
}

}  // namespace
}  // namespace stowage::ftps
