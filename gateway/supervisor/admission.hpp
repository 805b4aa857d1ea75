// Who may ask the supervisor for what. A message that is not admitted ends the process that sent it.
// Runs in: supervisor. Distrusts: front, workers and controller.
#pragma once

#include "gateway/base/messages/logins.hpp"
#include "gateway/base/result.hpp"

namespace stowage::supervisor {

enum class Peer { front, worker, controller, nfs_server };

/// The table of who may send which type, before and after it said Ready.
bool may_send(Peer peer, message::Type type, bool ready);

/// Whether descriptors may come with it; how many and of what kind, whoever handles the message checks.
bool may_bring_descriptors(Peer peer, message::Type type);

/// A login request's fields: an address that is one, nothing longer than it may be, a TLS version that we
/// speak.
Result<void> check_login(const message::LoginRequest& m);

}  // namespace stowage::supervisor
