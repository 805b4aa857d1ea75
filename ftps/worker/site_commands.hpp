// SITE: a table of its own (RFC 959 §4.1.3), a small function each.
// Runs in: worker. Distrusts: arguments.
#pragma once

#include <string_view>
#include <vector>

#include "ftps/worker/commands.hpp"

namespace stowage::ftps {

/// `argument` is what stands behind the name; a command whose `usage` goes on behind its name is never called
/// without one.
struct SiteCommand {
    std::string_view name;
    std::string_view usage;  ///< "CHMOD mode path", for a 501
    Done (*run)(Session& session, std::string argument);
};

const std::vector<SiteCommand>& site_commands();

// commands_copy.cpp
Done site_copy_from(Session&, std::string);
Done site_copy_to(Session&, std::string);
// site_commands.cpp
Done site_help(Session&, std::string);

// commands_files.cpp
Done site_chmod(Session&, std::string);
// commands_room.cpp
Done site_quota(Session&, std::string);

// commands_datasets.cpp
Done site_unpack(Session&, std::string);
Done site_commit(Session&, std::string);
// commands_facts.cpp
Done site_utime(Session&, std::string);

}  // namespace stowage::ftps
