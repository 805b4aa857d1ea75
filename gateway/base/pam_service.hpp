// Where libpam looks for a service.
// Runs in: login, supervisor, CLI.
#pragma once

#include <string>

#include "gateway/base/result.hpp"

namespace stowage {

/// Without its file libpam goes on with the service "other", which refuses everybody and says nothing of why:
/// Code::config with the remedy. @param confdir empty: the system's
Result<void> check_pam_service(const std::string& service, const std::string& confdir);

}  // namespace stowage
