// What FEAT lists (RFC 2389 §3), before the login as after it: lftp asks only once, before.
// Runs in: front, worker.
#pragma once

#include <string>
#include <vector>

namespace stowage::ftps {

/// The lines between "211-Features:" and "211 End", without their blank. One line per extension that the
/// worker really has.
std::vector<std::string> features();

}  // namespace stowage::ftps
