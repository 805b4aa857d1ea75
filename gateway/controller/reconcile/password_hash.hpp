// Passwords of FTPS users: what is accepted, and how it is hashed.
// Runs in: controller. Distrusts: the password.
#pragma once

#include <string>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::controller {

/// 8 to 512 bytes, no control characters. Code::invalid; the text never holds the password.
Result<void> check_password(const Secret& password);

/// yescrypt with crypt(5)'s default cost and a fresh salt. Computes for some ten milliseconds.
Result<std::string> hash_password(const Secret& password);

}  // namespace stowage::controller
