// The verbs of a logged-in session: a table, and a small function each.
// Runs in: worker. Distrusts: arguments.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "ftps/protocol/command_line.hpp"
#include "ftps/worker/digest.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

struct Session;
using Done = boost::asio::awaitable<void>;

/// One verb. `argument` is empty where none was given; a verb that needs one is never called without.
struct Verb {
    enum class Takes { nothing, optional, argument };
    std::string_view name;
    Takes takes;
    Done (*run)(Session& session, std::string argument);
    std::string_view feature = {};  ///< its line in FEAT (RFC 2389), if any
};

/// Runs a command and sends its replies.
Done run_command(Session& session, Command command);
const std::vector<Verb>& verbs();

// commands_session.cpp
Done already_logged_in(Session&, std::string);
Done quit(Session&, std::string);
Done noop(Session&, std::string);
Done system_type(Session&, std::string);
Done features(Session&, std::string);
Done options(Session&, std::string);
Done type(Session&, std::string);
Done mode(Session&, std::string);
Done structure(Session&, std::string);
Done protection_buffer(Session&, std::string);
Done protection(Session&, std::string);
Done help(Session&, std::string);
Done client_name(Session&, std::string);
Done client_and_server(Session&, std::string);
Done abort_command(Session&, std::string);
Done restart(Session&, std::string);

// commands_status.cpp
Done status(Session&, std::string);
/// Of the running transfer: "RETR /set: 7 bytes of 70 (10 %) in 1.0 s, 0.00 MB/s".
std::string progress(const Session&);

// commands_files.cpp
Done print_directory(Session&, std::string);
Done change_directory(Session&, std::string);
Done change_up(Session&, std::string);
Done make_directory(Session&, std::string);
Done remove_directory(Session&, std::string);
Done remove_file(Session&, std::string);
Done rename_from(Session&, std::string);
Done rename_to(Session&, std::string);

// site_commands.cpp
Done site(Session&, std::string);

// commands_copy.cpp
Done combine(Session&, std::string);

// commands_hash.cpp
Done hash(Session&, std::string);
Done xsha256(Session&, std::string);
Done xsha1(Session&, std::string);
Done xmd5(Session&, std::string);
Done xcrc(Session&, std::string);
Done range(Session&, std::string);
/// OPTS HASH; sends the reply.
void hash_options(Session& session, const std::string& wanted);
/// The line of FEAT, the selected one starred.
std::string hash_feature(HashAlgorithm selected);

// commands_facts.cpp
Done size(Session&, std::string);
Done modified(Session&, std::string);
Done set_modified(Session&, std::string);
Done set_creation(Session&, std::string);
Done set_facts(Session&, std::string);
Done facts_of(Session&, std::string);

// commands_room.cpp
Done allocate(Session&, std::string);
Done available(Session&, std::string);

// commands_data.cpp
Done passive(Session&, std::string);
Done extended_passive(Session&, std::string);
Done port(Session&, std::string);
Done extended_port(Session&, std::string);

// commands_upload.cpp, commands_download.cpp, commands_listing.cpp
Done store(Session&, std::string);
Done store_unique(Session&, std::string);
Done append(Session&, std::string);
Done retrieve(Session&, std::string);
Done list_long(Session&, std::string);
Done list_names(Session&, std::string);
Done list_facts(Session&, std::string);

}  // namespace stowage::ftps
