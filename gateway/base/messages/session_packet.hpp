// What front and worker say to each other about one session.
// Runs in: front, worker. Distrusts: the other side.
#pragma once

#include <cstddef>

// SEQPACKET packets of one kind byte and a payload. End of file on either side ends the session.
namespace stowage::session_packet {

/// front -> worker, at most once and before any data: the control connection's TLS 1.2 session (DER) of a
/// client that wants no tickets (libcurl), so that it can resume by session id.
inline constexpr char tls_session = 'S';
/// plaintext of the control connection, either way, at most max_payload bytes
inline constexpr char data = 'D';
/// worker -> front: send the client a fresh session ticket before what follows
inline constexpr char ticket = 'T';
/// worker -> front: send what is queued, then close_notify and close
inline constexpr char close = 'C';
inline constexpr std::size_t max_payload = 16384;

}  // namespace stowage::session_packet
