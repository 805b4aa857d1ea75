// What front and worker say to each other about one session, in SEQPACKET packets of one kind byte and a
// payload. End of file on either side ends the session. Runs in: front, worker. Distrusts: the other end.
#pragma once

#include <cstddef>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::session_packet {

/// front -> worker, at most once and before any data: the control connection's TLS 1.2 session (DER) of a
/// client that wants no tickets (libcurl), so that it can resume by session id.
inline constexpr char tls_session = 'S';
/// plaintext of the control connection, either way, at most max_payload bytes
inline constexpr char data = 'D';
/// worker -> front: data, but the client gets a fresh session ticket first; perhaps of no bytes
inline constexpr char ticket = 'T';
/// worker -> front: the client gets a fresh session ticket at once, and nothing else
inline constexpr char ticket_alone = 'A';
/// worker -> front: send what is queued, then close_notify and close
inline constexpr char close = 'C';
inline constexpr std::size_t max_payload = 16384;

}  // namespace stowage::session_packet

namespace stowage::ftps {

/// What a worker may take from the front.
struct FromFront {
    bool is_session = false;  ///< the payload is a TLS session, not bytes of the client
    std::string_view payload;
};

/// `packet` is what arrived of `size` bytes. A session comes before all data or not at all.
/// Code::protocol for a packet that is longer than may be, or of a kind that the front may not send.
inline Result<FromFront> packet_from_front(std::string_view packet, std::size_t size, bool has_data) {
    const bool is_session = packet.starts_with(session_packet::tls_session) && !has_data;
    if (size != packet.size() || size > session_packet::max_payload + 1 ||
        (!packet.starts_with(session_packet::data) && !is_session))
        return Error{Code::protocol, "the front sent a packet that it may not send"};
    return FromFront{is_session, packet.substr(1)};
}

}  // namespace stowage::ftps
