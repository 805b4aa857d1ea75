// The table of verbs.
// Runs in: worker.
#include "ftps/worker/commands.hpp"

#include <algorithm>

#include "ftps/worker/session.hpp"

namespace stowage::ftps {

const std::vector<Verb>& verbs() {
    using enum Verb::Takes;
    static const std::vector<Verb> table = {
        {"USER", optional, already_logged_in},
        {"PASS", optional, already_logged_in},
        {"ACCT", optional, already_logged_in},
        {"AUTH", optional, already_logged_in, "AUTH TLS"},
        {"HOST", optional, already_logged_in, "HOST"},
        {"QUIT", nothing, quit},
        {"NOOP", optional, noop},
        {"SYST", nothing, system_type},
        {"FEAT", nothing, features},
        {"OPTS", argument, options},
        {"TYPE", argument, type},
        {"MODE", argument, mode},
        {"STRU", argument, structure},
        {"PBSZ", argument, protection_buffer, "PBSZ"},
        {"PROT", argument, protection, "PROT"},
        {"HELP", optional, help},
        {"CLNT", optional, client_name, "CLNT"},
        {"CSID", optional, client_and_server, "CSID"},
        {"ABOR", nothing, abort_command},
        {"REST", argument, restart, "REST STREAM"},
        {"STAT", optional, status},
        {"PWD", nothing, print_directory},
        {"XPWD", nothing, print_directory},
        {"CWD", argument, change_directory},
        {"XCWD", argument, change_directory},
        {"CDUP", nothing, change_up},
        {"XCUP", nothing, change_up},
        {"MKD", argument, make_directory},
        {"XMKD", argument, make_directory},
        {"RMD", argument, remove_directory},
        {"XRMD", argument, remove_directory},
        {"DELE", argument, remove_file},
        {"RNFR", argument, rename_from},
        {"RNTO", argument, rename_to},
        {"SIZE", argument, size, "SIZE"},
        {"MDTM", argument, modified, "MDTM"},
        {"MFMT", argument, set_modified, "MFMT"},
        {"MFCT", argument, set_creation, "MFCT"},
        {"MFF", argument, set_facts, "MFF modify;create;UNIX.mode;"},
        {"MLST", optional, facts_of},
        {"HASH", argument, hash},
        {"XSHA256", argument, xsha256, "XSHA256 filename;start;end"},
        {"XSHA1", argument, xsha1, "XSHA1 filename;start;end"},
        {"XMD5", argument, xmd5, "XMD5 filename;start;end"},
        {"XCRC", argument, xcrc, "XCRC filename;start;end"},
        {"COMB", argument, combine, "COMB target;source_list"},
        {"RANG", argument, range, "RANG STREAM"},
        {"ALLO", argument, allocate},
        {"AVBL", optional, available, "AVBL"},
        {"SITE", argument, site},
        {"PASV", nothing, passive},
        {"EPSV", optional, extended_passive, "EPSV"},
        {"PORT", argument, port},
        {"EPRT", argument, extended_port, "EPRT"},
        {"STOR", argument, store},
        {"STOU", optional, store_unique},
        {"APPE", argument, append},
        {"RETR", argument, retrieve},
        {"LIST", optional, list_long},
        {"NLST", optional, list_names},
        {"MLSD", optional, list_facts},
    };
    return table;
}

Done run_command(Session& session, Command command) {
    const auto& table = verbs();
    const auto verb =
        std::find_if(table.begin(), table.end(), [&](const Verb& v) { return v.name == command.verb; });
    if (command.verb != "RNTO") session.rename_from.reset();
    if (verb == table.end()) {
        session.reply(500, "The command " + command.verb + " is not known here; HELP lists those that are.");
        co_return;
    }
    if (verb->takes == Verb::Takes::argument && command.argument.empty()) {
        session.reply(501, command.verb + " needs an argument.");
        co_return;
    }
    co_await verb->run(session, std::move(command.argument));
}

}  // namespace stowage::ftps
