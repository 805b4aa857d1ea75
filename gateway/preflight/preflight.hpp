// What can be said about a configuration on this machine, without side effects.
// Runs in: supervisor (before anything starts), CLI (`stowage check`).
#pragma once

#include <string>
#include <vector>

#include "gateway/base/config.hpp"

namespace stowage {

struct Finding {
    enum class Severity { error, warning, note };
    Severity severity;
    std::string key;  ///< the configuration key that it is about
    Error error;
};

/// Accounts, folders, PAM service, certificate and key, executables, Run:ai's files. What the caller may not
/// read becomes a note. Blocks on the disk only.
std::vector<Finding> preflight(const Config& config);

/// Which ports of the configuration another process holds, by binding each for a moment. Not for a running
/// gateway.
std::vector<Finding> taken_ports(const Config& config);

}  // namespace stowage
