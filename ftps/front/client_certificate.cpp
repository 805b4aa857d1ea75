// X.509 verification against a lab's own CAs.
// Runs in: front. Distrusts: the certificate.
#include "ftps/front/client_certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "gateway/base/openssl_handles.hpp"

namespace stowage::ftps {

namespace {

constexpr long max_chain_bytes = 32 * 1024;
constexpr int security_level = 2, max_depth = 8;

using Verification = std::unique_ptr<X509_STORE_CTX, openssl::Deleter<X509_STORE_CTX_free>>;

openssl::Store store_of(std::string_view pem) {
    openssl::Store store(X509_STORE_new());
    const auto bytes = openssl::reading(pem);
    while (const openssl::Certificate next{
        PEM_read_bio_X509(bytes.get(), nullptr, openssl::no_passphrase, nullptr)})
        X509_STORE_add_cert(store.get(), next.get());
    ERR_clear_error();  // the end of the text
    return store;
}

std::string subject_of(X509* certificate) {
    const auto text = openssl::memory();
    X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    return openssl::written(text);
}

}  // namespace

void request_client_certificate(SSL_CTX* context) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_max_cert_list(context, max_chain_bytes);
    // Which CAs count is known at the login.
    SSL_CTX_set_cert_verify_callback(
        context, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
}

ClientCheck check_client(SSL* ssl, std::string_view cas) {
    auto* certificate = ssl ? SSL_get0_peer_certificate(ssl) : nullptr;
    if (!certificate) return {false, "the client presented no certificate"};
    const auto store = store_of(cas);
    const Verification verification(X509_STORE_CTX_new());
    if (!verification ||
        X509_STORE_CTX_init(verification.get(), store.get(), certificate, SSL_get_peer_cert_chain(ssl)) != 1)
        return {false, "OpenSSL cannot verify it"};
    auto* rules = X509_STORE_CTX_get0_param(verification.get());
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);  // an intermediate in the bundle is enough
    X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_CLIENT);
    X509_VERIFY_PARAM_set_auth_level(rules, security_level);
    X509_VERIFY_PARAM_set_depth(rules, max_depth);
    const bool ok = X509_verify_cert(verification.get()) == 1;
    const auto error = X509_STORE_CTX_get_error(verification.get());
    ERR_clear_error();
    auto subject = subject_of(certificate);
    if (ok) return {true, std::move(subject)};
    return {false, subject + ": " + X509_verify_cert_error_string(error)};
}

}  // namespace stowage::ftps
