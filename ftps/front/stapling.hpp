// OCSP stapling (RFC 6066 §8): the certificate's status, for clients that ask.
// Runs in: front. The response was checked by the supervisor.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <string>

namespace stowage::ftps {

struct Stapled {
    std::string der;
    std::int64_t until =
        0;  ///< seconds since the epoch: later it is not sent, for it would make clients refuse
};

/// Kept with the context, as long as that lives.
void staple(SSL_CTX* context, Stapled response);

}  // namespace stowage::ftps
