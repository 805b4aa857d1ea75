// OpenSSL's objects of TLS as owning handles.
// Runs in: the processes that speak TLS, which tests/check_includes lists.
#pragma once

#include <openssl/ssl.h>

#include "gateway/base/openssl_handles.hpp"

namespace stowage::openssl {

using TlsContext = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using TlsConnection = std::unique_ptr<SSL, Deleter<SSL_free>>;
using TlsSession = std::unique_ptr<SSL_SESSION, Deleter<SSL_SESSION_free>>;

}  // namespace stowage::openssl
