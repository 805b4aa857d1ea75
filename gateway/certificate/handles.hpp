// OpenSSL's objects as owning handles.
// Runs in: supervisor, CLI.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

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

}  // namespace stowage
