// The server's certificate and key in an SSL_CTX, and why OpenSSL refuses what it refuses.
// Runs in: front; worker, for labs whose clients cannot resume. The certificate files are the
// administrator's.
#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// @param chain PEM, the server's certificate first
/// @param key PEM, without passphrase
/// @return Code::config when the two cannot be read or do not belong together
Result<void> load_identity(SSL_CTX* context, std::string_view chain, std::string_view key);

/// The newest of OpenSSL's errors of this thread in words, and the queue emptied.
std::string take_ssl_error();

}  // namespace stowage::ftps
