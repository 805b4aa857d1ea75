// PEM text into OpenSSL.
// Runs in: front, worker.
#include "ftps/protocol/tls_identity.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "gateway/base/openssl_handles.hpp"

namespace stowage::ftps {

namespace {

using openssl::Certificate;
using openssl::no_passphrase;

Error refusal(std::string_view what, std::string_view remedy) {
    return {Code::config, std::string(what) + ": " + take_ssl_error(), std::string(remedy)};
}

Result<void> use_chain(SSL_CTX* context, std::string_view chain) {
    const auto bio = openssl::reading(chain);
    const Certificate own(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!own || SSL_CTX_use_certificate(context, own.get()) != 1)
        return refusal("ftps.certificate cannot be used",
                       "it must be PEM, the server's own certificate first");
    while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
        if (SSL_CTX_add0_chain_cert(context, next.get()) != 1)
            return refusal("ftps.certificate: an intermediate cannot be used",
                           "check the chain with openssl verify");
        (void)next.release();
    }
    ERR_clear_error();  // the end of the file is an error to PEM_read_bio
    return {};
}

Result<void> use_key(SSL_CTX* context, std::string_view pem) {
    const auto bio = openssl::reading(pem);
    const openssl::Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    if (!key) return refusal("ftps.private_key cannot be read", "it must be PEM without a passphrase");
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
        return refusal("ftps.private_key does not belong to ftps.certificate",
                       "install the two that were made together");
    return {};
}

}  // namespace

Result<void> load_identity(SSL_CTX* context, std::string_view chain, std::string_view key) {
    CHECK(use_chain(context, chain));
    return use_key(context, key);
}

std::string take_ssl_error() {
    const auto code = ERR_peek_last_error();
    ERR_clear_error();
    if (code == 0) return "no reason given";
    const auto* reason = ERR_reason_error_string(code);
    return reason ? reason : "OpenSSL error " + std::to_string(code);
}

}  // namespace stowage::ftps
