// OpenSSL's objects as owning handles.
// Runs in: supervisor, CLI.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>

namespace stowage {

template <auto Function>
struct Deleter {
    template <typename T>
    void operator()(T* pointer) const {
        Function(pointer);
    }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

struct FreeChain {
    void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
using Chain = std::unique_ptr<STACK_OF(X509), FreeChain>;

/// Every PEM certificate of a text, in its order.
Chain certificates_in(std::string_view pem);

}  // namespace stowage
