// One PAM conversation (pam(3)): is this the password of this user, and may the user come in?
// Runs in: login. Distrusts: user name and password; PAM modules may do anything, hang included.
#pragma once

#include "gateway/base/messages/logins.hpp"

namespace stowage::login {

/// Authenticates and checks the account; opens no PAM session and sets no credentials, since nothing runs as
/// the PAM user: files belong to the lab. Blocks as long as the modules do. An empty password is refused
/// without asking.
message::LoginResult attempt(const message::LoginAttempt& attempt);

/// What a PAM return code (_pam_types.h) means to a client.
message::LoginOutcome outcome_of(int pam_code);

}  // namespace stowage::login
