// TLS 1.2 sessions, resumed by session id across processes (RFC 5246 §7.3): over that version nobody is given
// a ticket. Runs in: front (takes the session out), worker (resumes it). Distrusts: session ids.
#pragma once

#include <openssl/types.h>

#include <functional>
#include <string_view>

#include "gateway/base/secret.hpp"

namespace stowage::ftps {

/// For control connections: clients without a ticket get a session id. None is kept or looked up here.
void give_session_ids_in(SSL_CTX* context);

/// The session of an accepted connection as DER, if it can be resumed by its id alone; else nothing.
Secret session_without_ticket(SSL* ssl);

/// For data connections: asked for the sessions that this connection may resume, calls `offer` with the DER
/// of each until that answers true.
using OfferSessions = void (*)(SSL* ssl, const std::function<bool(std::string_view der)>& offer);

/// For data connections: session ids are looked up among what `sessions` offers, and nowhere else.
void resume_session_ids_in(SSL_CTX* context, OfferSessions sessions);

}  // namespace stowage::ftps
