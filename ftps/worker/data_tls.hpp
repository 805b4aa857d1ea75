// TLS of data connections: what admits them. Sessions of the control connection are resumed by ticket,
// without certificate and key. Runs in: worker, on the main thread. Distrusts: tickets.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ftps/protocol/ticket_keys.hpp"
#include "gateway/base/messages/children.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"
#include "gateway/base/tls_handles.hpp"

namespace stowage::ftps {

/// What OpenSSL needs on one set of ticket keys; handshakes under way keep theirs when a new key comes.
struct TlsContext {
    TicketKeys keys;
    openssl::TlsContext context;  // destroyed first: it refers to the keys
};

/// The ring of keys and, where the lab admits clients that cannot resume, certificate and key. One thread.
class DataTls {
  public:
    /// A certificate chain and its key as PEM text.
    struct Identity {
        std::string certificates;
        Secret private_key;
    };

    void add_key(const message::TicketKey& key);
    /// From the next handshake on, full ones are admitted; those under way go on with what they had.
    void use_identity(Identity identity);
    void forget_identity();
    /// For the next handshake. Code::config if OpenSSL refuses the certificate.
    Result<std::shared_ptr<TlsContext>> context();

  private:
    std::optional<Identity> identity_;
    std::vector<message::TicketKey> keys_;
    std::shared_ptr<TlsContext> context_;
};

}  // namespace stowage::ftps
