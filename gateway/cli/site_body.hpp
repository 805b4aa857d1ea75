// A site file as the control API takes it.
// Runs in: CLI.
#pragma once

#include <vector>

#include "gateway/cli/new_passwords.hpp"
#include "gateway/cli/site_file.hpp"

namespace stowage::cli {

struct SiteOptions {
    bool adopt = false, prune = false;
    std::vector<std::string> confirmed = {};
};

/// The body of plan, apply and prune. `passwords` are those of users that will be made.
Secret site_body(const Site& site, const std::vector<NewPassword>& passwords, const SiteOptions& options);

}  // namespace stowage::cli
