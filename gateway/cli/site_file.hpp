// site.yaml: the labs and users that should exist.
// Runs in: CLI. Distrusts: the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::cli {

/// One lab; what the file leaves out is left to the gateway's configuration.
struct SiteLab {
    std::string name;
    std::optional<std::uint64_t> quota_bytes = {}, quota_inodes = {};  ///< 0: no limit
    std::optional<std::vector<std::string>> clients = {};              ///< canonical networks
};

struct SiteUser {
    std::string name, lab;
};

struct Site {
    std::vector<SiteLab> labs;
    std::vector<SiteUser> users;
};

/// Checks the whole text. Code::config with every problem, one per line, each "origin:line: …".
/// A user's lab need not stand in the file: it may exist already.
Result<Site> parse_site(std::string_view text, const std::string& origin);

/// Reads at most 1 MiB. Blocks on the disk.
Result<Site> read_site_file(const std::string& path);

}  // namespace stowage::cli
