// The folders of pam.conf(5).
// Runs in: login, supervisor, CLI.
#include "gateway/base/pam_service.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <vector>

namespace stowage {

Result<void> check_pam_service(const std::string& service, const std::string& confdir) {
    const auto folders = confdir.empty() ? std::vector<std::string>{"/etc/pam.d", "/usr/lib/pam.d"}
                                         : std::vector<std::string>{confdir};
    const bool is_name = !service.empty() && service.find('/') == std::string::npos;
    for (const auto& folder : folders)
        if (is_name && ::access((folder + "/" + service).c_str(), R_OK) == 0) return {};
    return Error{Code::config, fmt::format("there is no PAM service \"{}\" in {}", service, folders.front()),
                 "install deploy/pam.d/stowage there, or set accounts.pam_service to one that exists"};
}

}  // namespace stowage
