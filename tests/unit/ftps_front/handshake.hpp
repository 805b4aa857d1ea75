// Certificates, and TLS handshakes in memory.
// Runs in: unit tests.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <functional>
#include <memory>
#include <string>

#include "ftps/front/tls_context.hpp"

namespace stowage::ftps::handshake {

using openssl::Certificate;
using openssl::Key;

/// A key with its certificate.
struct Identity {
    Key key;
    Certificate certificate;

    std::string certificate_pem() const {
        return pem([this](BIO* bio) { PEM_write_bio_X509(bio, certificate.get()); });
    }
    std::string key_pem() const {
        return pem([this](BIO* bio) {
            PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
    }

  private:
    static std::string pem(const std::function<void(BIO*)>& write) {
        const auto text = openssl::memory();
        write(text.get());
        return openssl::written(text);
    }
};

inline Key ec_key() {
    return Key(EVP_EC_gen("P-256"));
}

inline void extend(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const openssl::Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    X509_add_ext(certificate, extension.get(), -1);
}

/// Signed by `issuer`, or by itself. @param usage of extendedKeyUsage; empty: a CA
inline Identity identity(const std::string& name, const Identity* issuer, const std::string& usage,
                         Key key = ec_key(), long valid_seconds = 3600) {
    Identity made{std::move(key), Certificate(X509_new())};
    auto* certificate = made.certificate.get();
    X509_set_version(certificate, X509_VERSION_3);
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), valid_seconds);
    X509_set_pubkey(certificate, made.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    auto* by = issuer ? issuer->certificate.get() : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(by));
    extend(certificate, by, NID_basic_constraints, usage.empty() ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!usage.empty()) extend(certificate, by, NID_ext_key_usage, usage.c_str());
    if (usage == "serverAuth") extend(certificate, by, NID_subject_alt_name, ("DNS:" + name).c_str());
    X509_sign(certificate, issuer ? issuer->key.get() : made.key.get(), EVP_sha256());
    return made;
}

inline openssl::TlsContext client_context(int version = TLS1_3_VERSION) {
    openssl::TlsContext context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(context.get(), 0);  // whatever is refused, the server refuses it
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    return context;
}

/// Both ends of a connection, after as much of the handshake as they agree upon.
struct Connection {
    Connection(
        SSL_CTX* server_context, SSL_CTX* client_context,
        const std::function<void(SSL* client)>& prepare = [](SSL*) {})
        : server(SSL_new(server_context)), client(SSL_new(client_context)) {
        BIO *left = nullptr, *right = nullptr;
        BIO_new_bio_pair(&left, 1 << 17, &right, 1 << 17);
        SSL_set_bio(server.get(), left, left);
        SSL_set_bio(client.get(), right, right);
        SSL_set_accept_state(server.get());
        SSL_set_connect_state(client.get());
        prepare(client.get());
        static const message::Nonce nonce{};
        TicketKeys::set_nonce(server.get(), nonce);
        for (int i = 0; i < 20; ++i) {
            SSL_do_handshake(client.get());
            SSL_do_handshake(server.get());
        }
    }
    bool done() const { return SSL_is_init_finished(server.get()) && SSL_is_init_finished(client.get()); }

    openssl::TlsConnection server, client;
};

/// A server's context with a ticket key, as the front has it.
class Server {
  public:
    explicit Server(const Identity& identity) {
        keys_.add(message::TicketKey{});
        context_ = or_throw(make_control_context(identity.certificate_pem(), identity.key_pem(), keys_));
    }
    SSL_CTX* context() { return context_.get(); }

  private:
    TicketKeys keys_;
    openssl::TlsContext context_;
};

}  // namespace stowage::ftps::handshake
