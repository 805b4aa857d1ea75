// The file that pam_pwdfile(8) reads: `user:hash` lines.
// Runs in: root_step, as root. Blocking. Distrusts: user and hash, checked again.
#pragma once

#include <string>

#include "gateway/base/result.hpp"

namespace stowage::storage {

/// Adds the user or replaces its hash; 0600, root's, replaced as a whole, and not at all when it says so
/// already. Parallel calls wait for each other on a lock file beside it, at most 30 s (Code::unavailable).
/// Code::invalid for a name or hash that could break the file, or a weak method of crypt(5).
Result<void> set_password_hash(const std::string& path, const std::string& user, const std::string& hash);

/// Removes the user's line; a user that is not there is success.
Result<void> remove_password_hash(const std::string& path, const std::string& user);

}  // namespace stowage::storage
