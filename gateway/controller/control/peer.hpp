// Who is at the other end of the control socket?
// Runs in: controller. Distrusts: everybody who could connect.
#pragma once

#include <sys/types.h>

#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::controller {

/// What the kernel says of the one who connected, at the moment of connect(2) (socket(7), SO_PEERCRED and
/// SO_PEERGROUPS).
struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups = {};
};

Result<Peer> peer_of(int socket);

/// Root, and members of the admin group. Code::denied for all others, the controller's own user among them.
Result<void> check_may_administer(const Peer& peer, gid_t admin_gid);

}  // namespace stowage::controller
