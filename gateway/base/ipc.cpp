// SEQPACKET sockets with SCM_RIGHTS.
// Runs in: every process but the CLI.
#include "gateway/base/ipc.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace stowage::ipc {

namespace {

constexpr std::size_t control_bytes = CMSG_SPACE(sizeof(int) * message::max_packet_fds);

void take_descriptors(const msghdr& m, std::vector<Fd>& fds) {
    for (auto* c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(const_cast<msghdr*>(&m), c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const auto count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            fds.emplace_back(fd);
        }
    }
}

}  // namespace

Result<std::pair<Fd, Fd>> make_pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return system_error(errno, "socketpair");
    return std::pair{Fd(fds[0]), Fd(fds[1])};
}

Result<void> send_bytes(int socket, const message::Header& header, const void* body, std::size_t size,
                        const std::vector<int>& fds) {
    if (fds.size() > message::max_packet_fds)
        return Error{Code::internal, "too many descriptors for one packet"};
    iovec parts[2] = {{const_cast<message::Header*>(&header), sizeof header},
                      {const_cast<void*>(body), size}};
    alignas(cmsghdr) char control[control_bytes] = {};
    msghdr m{};
    m.msg_iov = parts;
    m.msg_iovlen = 2;
    if (!fds.empty()) {
        m.msg_control = control;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
        auto* c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
        std::memcpy(CMSG_DATA(c), fds.data(), sizeof(int) * fds.size());
    }
    while (::sendmsg(socket, &m, MSG_NOSIGNAL) < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return Error{Code::unavailable, "the packet queue is full"};
        return system_error(errno, "sendmsg");
    }
    return {};
}

Result<Packet> receive(int socket) {
    Packet packet;
    packet.body.resize(message::max_packet_bytes);
    iovec parts[2] = {{&packet.header, sizeof packet.header}, {packet.body.data(), packet.body.size()}};
    alignas(cmsghdr) char control[control_bytes] = {};
    msghdr m{};
    m.msg_iov = parts;
    m.msg_iovlen = 2;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    ssize_t received = 0;
    while ((received = ::recvmsg(socket, &m, MSG_CMSG_CLOEXEC)) < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return Error{Code::unavailable, "nothing to read"};
        if (errno == ECONNRESET) return Error{Code::cancelled, "the peer is gone"};
        return system_error(errno, "recvmsg");
    }
    take_descriptors(m, packet.fds);
    if (received == 0) return Error{Code::cancelled, "the peer is gone"};
    packet.fds_lost = (m.msg_flags & MSG_CTRUNC) != 0;
    if (packet.fds_lost) packet.fds.clear();
    if (m.msg_flags & MSG_TRUNC || received < static_cast<ssize_t>(sizeof packet.header))
        return Error{Code::protocol, "a packet of an impossible size"};
    packet.body.resize(static_cast<std::size_t>(received) - sizeof packet.header);
    return packet;
}

}  // namespace stowage::ipc
