// The SSL_CTX of control connections.
// Runs in: front. Distrusts: clients' hellos; the certificate files are the administrator's.
#pragma once

#include <string_view>

#include "ftps/protocol/ticket_keys.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/tls_handles.hpp"

namespace stowage::ftps {

/// TLS 1.2 and 1.3, ALPN "ftp", server names checked against the certificate, tickets from `keys`, which must
/// outlive the context and its connections.
/// @param chain PEM, the server's certificate first
/// @param key PEM, without passphrase
/// @return Code::config when the two cannot be read or do not belong together
Result<openssl::TlsContext> make_control_context(std::string_view chain, std::string_view key,
                                                 TicketKeys& keys);

}  // namespace stowage::ftps
