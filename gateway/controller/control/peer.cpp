// Credentials of Unix sockets.
// Runs in: controller.
#include "gateway/controller/control/peer.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace stowage::controller {

Result<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return system_error(errno, "getsockopt SO_PEERCRED");
    Peer peer{credentials.pid, credentials.uid, credentials.gid};
    socklen_t bytes = 0;
    // Asked for the size first: ERANGE tells it. The groups of a socket do not change any more.
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &bytes) != 0 && errno != ERANGE)
        return system_error(errno, "getsockopt SO_PEERGROUPS");
    peer.groups.resize(bytes / sizeof(gid_t));
    if (bytes > 0 && ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &bytes) != 0)
        return system_error(errno, "getsockopt SO_PEERGROUPS");
    return peer;
}

Result<void> check_may_administer(const Peer& peer, gid_t admin_gid) {
    const bool member = peer.gid == admin_gid ||
                        std::find(peer.groups.begin(), peer.groups.end(), admin_gid) != peer.groups.end();
    if (peer.uid == 0 || member) return {};
    return Error{Code::denied, fmt::format("uid {} may not administer the gateway", peer.uid),
                 "run the command with sudo, or become a member of the admin group (process.admin_group)"};
}

}  // namespace stowage::controller
