// OpenSSL's objects as owning handles, and PEM in memory.
// Runs in: every process that links libcrypto. What lives longer than a call has its own header:
// tls_handles.hpp.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <memory>
#include <string>
#include <string_view>

namespace stowage::openssl {

/// Of std::unique_ptr, for what a C library frees by a function.
template <auto Function>
struct Deleter {
    template <typename T>
    void operator()(T* pointer) const {
        Function(pointer);
    }
};

using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Hashing = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Store = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;

/// Reads `text`, which must stay where it is.
inline Bio reading(std::string_view text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Gathers what is written to it; see written().
inline Bio memory() {
    return Bio(BIO_new(BIO_s_mem()));
}

inline std::string written(const Bio& memory) {
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(memory.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

/// For PEM_read_bio_…: without it an encrypted key would make OpenSSL ask on the terminal.
inline int no_passphrase(char*, int, int, void*) {
    return -1;
}

}  // namespace stowage::openssl
