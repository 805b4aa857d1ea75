// Certificates that clients present in the handshake: asked for then, checked at the login, when the lab is
// known. Runs in: front. Distrusts: the certificate; that its key is the client's was proved by the
// handshake.
#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>

namespace stowage::ftps {

/// Every client is asked for a certificate, and goes on without one or with any.
void request_client_certificate(SSL_CTX* context);

struct ClientCheck {
    bool ok = false;
    std::string text;  ///< the certificate's subject, or what is wrong
};

/// Whether the client of this finished handshake presented a certificate for TLS clients that leads to one of
/// `cas` (PEM), at OpenSSL's security level 2, now.
ClientCheck check_client(SSL* ssl, std::string_view cas);

}  // namespace stowage::ftps
