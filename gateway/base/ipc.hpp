// Packets between processes: one struct, or none, per call, with descriptors.
// Runs in: every process but the CLI. Distrusts: sizes, types, descriptor counts.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "gateway/base/fd.hpp"
#include "gateway/base/messages/basics.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ipc {

/// A received packet: header, body bytes and the descriptors that came with it (close-on-exec).
struct Packet {
    message::Header header{};
    std::vector<char> body;
    std::vector<Fd> fds;
    /// Descriptors came with it and could not be taken: this process has too many open, or the sender sent
    /// more than anybody may. `fds` is empty then.
    bool fds_lost = false;

    Packet() = default;
    Packet(Packet&&) = default;
    Packet& operator=(Packet&&) = default;
    ~Packet() {
        if (!body.empty()) explicit_bzero(body.data(), body.size());  // data() of an empty one may be null
    }

    /// The body as M. Code::protocol unless type and size are exactly M's.
    template <typename M>
    Result<M> as() const {
        static_assert(std::is_trivially_copyable_v<M> &&
                      sizeof(M) + sizeof(message::Header) <= message::max_packet_bytes);
        if (header.type != M::type || body.size() != sizeof(M))
            return Error{Code::protocol, "packet of another type or size than expected"};
        M m;
        std::memcpy(&m, body.data(), sizeof(M));
        return m;
    }
};

/// A connected pair of close-on-exec SEQPACKET sockets.
Result<std::pair<Fd, Fd>> make_pair();

/// Sends one packet. On a non-blocking socket with a full queue: Code::unavailable, nothing sent.
Result<void> send_bytes(int socket, const message::Header& header, const void* body, std::size_t size,
                        const std::vector<int>& fds);

template <typename M>
Result<void> send(int socket, const M& m, const std::vector<int>& fds = {}, std::uint32_t id = 0) {
    static_assert(std::is_trivially_copyable_v<M> &&
                  sizeof(M) + sizeof(message::Header) <= message::max_packet_bytes);
    return send_bytes(socket, {M::type, 0, id}, &m, sizeof(M), fds);
}

/// Receives one packet. Code::cancelled at end of file; Code::unavailable on a non-blocking socket with
/// nothing to read; Code::protocol for a truncated packet. Blocks on a blocking socket.
Result<Packet> receive(int socket);

/// receive() that must yield an M.
template <typename M>
Result<M> receive_as(int socket) {
    TRY(auto packet, receive(socket));
    return packet.template as<M>();
}

/// The descriptor on which every child finds its channel to the supervisor after exec.
inline constexpr int supervisor_fd = 3;

}  // namespace stowage::ipc
