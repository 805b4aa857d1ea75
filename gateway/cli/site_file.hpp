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
    std::optional<std::uint64_t> quota_bytes = {}, quota_inodes = {};      ///< 0: no limit
    std::optional<std::vector<std::string>> clients = {};                  ///< canonical networks
    std::optional<std::string> durability = {}, data_tls_resumption = {};  ///< checked words
    std::optional<std::string> client_cas = {};  ///< text of the file that client_ca names; empty for `none`
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

/// The text of a CA bundle, at most 64 KiB; the gateway looks what is in it. Blocks on the disk.
Result<std::string> read_client_cas(const std::string& path);

/// Reads at most 1 MiB. Blocks on the disk.
Result<Site> read_site_file(const std::string& path);

}  // namespace stowage::cli
