// Session tickets that join data connections to their control connection (RFC 5077 §4, RFC 8446 §4.6.1).
// Runs in: front (makes tickets), worker (accepts them, without certificate or private key). Distrusts:
// tickets.
#pragma once

#include <openssl/types.h>

#include <deque>
#include <functional>
#include <optional>

#include "gateway/base/messages/children.hpp"

namespace stowage::ftps {

/// The ring of ticket keys that the supervisor hands out, and its use in an SSL_CTX. Must outlive every
/// SSL_CTX it was given to. One thread at a time, or guarded by the caller, when keys are added while
/// handshakes run.
class TicketKeys {
  public:
    /// Asked during a handshake whether a ticket that decrypted well may be used; `nonce` is the one that its
    /// control connection put into it. False means a full handshake, which fails where there is no
    /// certificate.
    using Accept = std::function<bool(SSL* ssl, const message::Nonce& nonce)>;

    TicketKeys() = default;
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;
    ~TicketKeys();

    /// The one that came last encrypts; `message::ticket_keys_kept` older ones still decrypt. (Not by a time
    /// of theirs: a clock that was set back would make one of before the newest for ever.)
    void add(const message::TicketKey& key);

    /// For control connections: tickets are made, with the nonce that set_nonce() gave, and none is accepted
    /// – a resumed control connection would leave a TLS 1.2 client with a ticket of another connection.
    /// TLS 1.3 sends one ticket after the handshake, later ones by SSL_new_session_ticket().
    void issue_in(SSL_CTX* context);

    /// For data connections: tickets are accepted, as often as they come (WinSCP replays one), and never
    /// sent. Without a certificate in `context`, TLS 1.3 still works and whoever brings no acceptable ticket
    /// fails.
    void accept_in(SSL_CTX* context, Accept accept);

    /// Puts `nonce` into each ticket of this connection. It is not copied: it must live as long as `ssl`.
    static void set_nonce(SSL* ssl, const message::Nonce& nonce);

  private:
    struct Callbacks;

    std::deque<message::TicketKey> keys_;  // newest first
    Accept accept_;
};

/// What both ends of a ticket must agree upon: TLS 1.2 and 1.3, ciphers, the session id context, a day of
/// lifetime, no compression, no renegotiation, server preference, buffers released while idle.
void set_common_options(SSL_CTX* context);

}  // namespace stowage::ftps
