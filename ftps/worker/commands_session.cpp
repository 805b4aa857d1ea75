// Verbs about the session itself.
// Runs in: worker. Distrusts: arguments.
#include <fmt/format.h>
#include <string.h>

#include <utility>

#include "ftps/protocol/ascii_case.hpp"
#include "ftps/protocol/reply.hpp"
#include "ftps/protocol/server_facts.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/commands.hpp"
#include "ftps/worker/listing_lines.hpp"
#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"

namespace stowage::ftps {

Done already_logged_in(Session& session, std::string argument) {
    explicit_bzero(argument.data(), argument.size());  // of a PASS, perhaps
    session.reply(503, "You are logged in as " + session.user + "; connect again to be somebody else.");
    co_return;
}

Done quit(Session& session, std::string) {
    session.reply(221, "Goodbye.");
    session.leaving = true;
    co_return;
}

Done noop(Session& session, std::string) {
    session.reply(200, "OK.");
    co_return;
}

Done system_type(Session& session, std::string) {
    session.reply(215, "UNIX Type: L8");
    co_return;
}

Done features(Session& session, std::string) {
    std::vector<std::string> lines;
    const bool active_mode = session.worker.config.ftps.active_mode;
    for (const auto& verb : verbs())
        if (!verb.feature.empty() && (active_mode || verb.name != "EPRT")) lines.emplace_back(verb.feature);
    lines.push_back(hash_feature(session.hash_algorithm));
    lines.push_back("MLST " + fact_names(session.facts, true));
    lines.insert(lines.end(), {"TVFS", "UTF8"});
    session.link.send(reply_lines(211, "Features:", lines, "End"));
    co_return;
}

Done options(Session& session, std::string argument) {
    const auto [name, rest] = split_word(argument);
    const auto command = upper(name);
    if (command == "UTF8" || command == "UTF-8") {
        if (upper(rest) == "OFF")
            session.reply(504, "Names are UTF-8 here, always.");
        else
            session.reply(200, "Names are UTF-8.");
    } else if (command == "MLST") {
        session.facts = parse_facts(rest);
        const auto chosen = fact_names(session.facts, false);
        session.reply(200, chosen.empty() ? "MLST OPTS" : "MLST OPTS " + chosen);
    } else if (command == "HASH") {
        hash_options(session, rest);
    } else {
        session.reply(501, "OPTS knows UTF8, MLST and HASH.");
    }
    co_return;
}

Done type(Session& session, std::string argument) {
    const auto wanted = upper(argument);
    if (wanted == "I" || wanted == "L 8" || wanted == "L8") {
        session.type = DataType::image;
        session.reply(200, "Type is image: bytes are passed as they are.");
    } else if (wanted == "A" || wanted == "A N") {
        session.type = DataType::ascii;
        session.reply(
            200, "Type is ASCII: line ends of files are converted. Use TYPE I for all that is not text.");
    } else {
        session.reply(504, "This type is not known here; use TYPE I.");
    }
    co_return;
}

Done mode(Session& session, std::string argument) {
    if (upper(argument) == "S")
        session.reply(200, "Mode is stream.");
    else
        session.reply(504, "Only MODE S is known here.");
    co_return;
}

Done structure(Session& session, std::string argument) {
    if (upper(argument) == "F")
        session.reply(200, "Structure is file.");
    else
        session.reply(504, "Only STRU F is known here.");
    co_return;
}

Done protection_buffer(Session& session, std::string argument) {
    if (argument.find_first_not_of("0123456789") != std::string::npos || argument.size() > 10)
        session.reply(501, "PBSZ takes a number; with TLS it is 0.");
    else
        session.reply(200, "PBSZ=0");
    co_return;
}

Done protection(Session& session, std::string argument) {
    const auto level = upper(argument);
    if (level == "P") {
        session.prot_private = true;
        session.reply(200, "Data connections are protected by TLS.");
    } else if (level == "C") {
        session.reply(534, "Data connections without TLS are not allowed here; send PROT P.");
    } else if (level == "S" || level == "E") {
        session.reply(536, "TLS knows PROT P only.");
    } else {
        session.reply(504, "PROT takes P.");
    }
    co_return;
}

namespace {

/// What stands behind the verb, where it is no path.
std::string_view syntax_of(const Verb& verb) {
    static constexpr std::pair<std::string_view, std::string_view> unlike_paths[] = {
        {"USER", "name"},
        {"PASS", "password"},
        {"ACCT", "account"},
        {"AUTH", "TLS"},
        {"HOST", "name"},
        {"NOOP", ""},
        {"OPTS", "command [options]"},
        {"TYPE", "A|I"},
        {"MODE", "S"},
        {"STRU", "F"},
        {"PBSZ", "0"},
        {"PROT", "P"},
        {"HELP", "[command]"},
        {"CLNT", "name"},
        {"CSID", "name=value;..."},
        {"REST", "position"},
        {"MFMT", "YYYYMMDDhhmmss path"},
        {"MFCT", "YYYYMMDDhhmmss path"},
        {"MFF", "fact=value;... path"},
        {"XSHA256", "\"path\" [start end]"},
        {"XSHA1", "\"path\" [start end]"},
        {"XMD5", "\"path\" [start end]"},
        {"XCRC", "\"path\" [start end]"},
        {"COMB", "\"target\" \"part\" ..."},
        {"RANG", "first last"},
        {"ALLO", "bytes"},
        {"SITE", "command: see SITE HELP"},
        {"EPSV", "[1|2|ALL]"},
        {"PORT", "h1,h2,h3,h4,p1,p2"},
        {"EPRT", "|1 or 2|address|port|"},
    };
    for (const auto& [name, syntax] : unlike_paths)
        if (name == verb.name) return syntax;
    return verb.takes == Verb::Takes::nothing ? "" : verb.takes == Verb::Takes::optional ? "[path]" : "path";
}

void help_on(Session& session, const std::string& name) {
    for (const auto& verb : verbs()) {
        if (verb.name != name) continue;
        const auto syntax = syntax_of(verb);
        const auto line = fmt::format("{}{}{}", verb.name, syntax.empty() ? "" : " ", syntax);
        session.link.send(reply_lines(214, "Written so:", {line}, "End"));
        return;
    }
    session.reply(504, "That command is not known here; HELP lists those that are.");
}

}  // namespace

Done help(Session& session, std::string argument) {
    if (!argument.empty()) {
        help_on(session, upper(argument));
        co_return;
    }
    std::vector<std::string> lines;
    std::string line;
    for (const auto& verb : verbs()) {
        line += fmt::format("{:<8}", verb.name);
        if (line.size() < 60) continue;
        lines.push_back(std::exchange(line, {}));
    }
    if (!line.empty()) lines.push_back(line);
    session.link.send(reply_lines(214, "Commands of this server:", lines, "End"));
    co_return;
}

Done client_name(Session& session, std::string argument) {
    session.client = argument.substr(0, sizeof message::ClientName::bytes);
    session.reply(200, "Noted.");
    co_return;
}

Done client_and_server(Session& session, std::string argument) {
    session.client = argument.substr(0, sizeof message::ClientName::bytes);
    session.reply(200, server_facts);
    co_return;
}

// What ran was ended when the command arrived (session_reader.cpp), and has been answered.
Done abort_command(Session& session, std::string) {
    session.data.reset();
    session.reply(226, "Nothing is being transferred.");
    co_return;
}

Done restart(Session& session, std::string argument) {
    const auto position = parse_offset(argument);
    if (!position) {
        session.reply(501, "REST takes a position in bytes, from 0 to 9223372036854775807.");
        co_return;
    }
    if (*position > 0 && session.type == DataType::ascii) {
        session.reply(501,
                      "In TYPE A line ends are converted and a position means nothing; send TYPE I first.");
        co_return;
    }
    session.restart_at = *position;
    session.range.reset();
    session.reply(350, fmt::format("The next transfer starts at byte {}.", *position));
}

}  // namespace stowage::ftps
