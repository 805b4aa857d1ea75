// The packets between front and worker, as the other end may have made them (stowage::session_packet).
// Runs in: front, worker. Distrusts: the other end.
#pragma once

#include <string_view>

#include "gateway/base/messages/session_packet.hpp"
#include "gateway/base/result.hpp"

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
