// One run of the login process.
// Runs in: supervisor.
#pragma once

#include "gateway/base/messages/logins.hpp"
#include "gateway/supervisor/context.hpp"
#include "gateway/supervisor/process.hpp"

namespace stowage::supervisor {

/// Asks PAM through a fresh stowage-login. Answers `unavailable` when that does not answer within 35 seconds.
boost::asio::awaitable<message::LoginResult> attempt_login(const Context& context,
                                                           const message::LoginRequest& request);

}  // namespace stowage::supervisor
