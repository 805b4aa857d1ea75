// What FEAT lists before the login (RFC 2389 §3). lftp asks only once, before, so it is what the worker has.
// Runs in: front.
#pragma once

#include <string>
#include <vector>

namespace stowage::ftps {

/// The lines between "211-Features:" and "211 End", without their blank. One line per extension that the
/// worker really has. @param active_mode the configuration's
std::vector<std::string> features(bool active_mode);

}  // namespace stowage::ftps
