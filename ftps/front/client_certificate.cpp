// X.509 verification against a lab's own CAs.
// Runs in: front. Distrusts: the certificate.
#include "ftps/front/client_certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

namespace stowage::ftps {

namespace {

constexpr long max_chain_bytes = 32 * 1024;
constexpr int security_level = 2, max_depth = 8;

template <auto Function>
struct Deleter {
    template <typename T>
    void operator()(T* pointer) const {
        Function(pointer);
    }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Store = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Verification = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>>;

Store store_of(std::string_view pem) {
    Store store(X509_STORE_new());
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    while (const Certificate next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
        X509_STORE_add_cert(store.get(), next.get());
    ERR_clear_error();  // the end of the text
    return store;
}

std::string subject_of(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
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
