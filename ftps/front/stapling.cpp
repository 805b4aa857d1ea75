// OpenSSL's status callback.
// Runs in: front.
#include "ftps/front/stapling.hpp"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <ctime>

namespace stowage::ftps {

namespace {

void free_stapled(void*, void* stapled, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<Stapled*>(stapled);
}

const int stapled_index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_stapled);

// Asked only when the client asks.
int on_status_request(SSL* ssl, void*) {
    const auto* stapled =
        static_cast<const Stapled*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), stapled_index));
    if (!stapled || stapled->until <= std::time(nullptr)) return SSL_TLSEXT_ERR_NOACK;
    auto* copy = OPENSSL_memdup(stapled->der.data(), stapled->der.size());  // OpenSSL frees it
    if (!copy) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(stapled->der.size()));
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

void staple(SSL_CTX* context, Stapled response) {
    SSL_CTX_set_ex_data(context, stapled_index, new Stapled(std::move(response)));
    SSL_CTX_set_tlsext_status_cb(context, &on_status_request);
}

}  // namespace stowage::ftps
