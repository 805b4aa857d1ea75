// The table of SITE, and its one dispatcher.
// Runs in: worker.
#include "ftps/worker/site_commands.hpp"

#include <algorithm>

#include "ftps/protocol/ascii_case.hpp"
#include "ftps/protocol/reply.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/session.hpp"

namespace stowage::ftps {

namespace {

std::string known_names() {
    std::string names;
    for (const auto& command : site_commands())
        names += (names.empty() ? "" : ", ") + std::string(command.name);
    return names;
}

}  // namespace

const std::vector<SiteCommand>& site_commands() {
    static const std::vector<SiteCommand> table = {
        {"COMMIT", "COMMIT staged final", site_commit},
        {"UNPACK", "UNPACK archive [directory]", site_unpack},
        {"CHMOD", "CHMOD mode path", site_chmod},
        {"CPFR", "CPFR path", site_copy_from},
        {"CPTO", "CPTO path", site_copy_to},
        {"QUOTA", "QUOTA", site_quota},
        {"HELP", "HELP [command]", site_help},
        {"UTIME", "UTIME YYYYMMDDhhmm[ss] path", site_utime},
    };
    return table;
}

Done site_help(Session& session, std::string argument) {
    std::vector<std::string> lines;
    for (const auto& command : site_commands())
        if (argument.empty() || upper(argument) == command.name)
            lines.push_back("SITE " + std::string(command.usage));
    if (lines.empty())
        session.reply(504, "SITE knows " + known_names() + ".");
    else
        session.link.send(reply_lines(214, "Written so:", lines, "End"));
    co_return;
}

Done site(Session& session, std::string argument) {
    auto [name, rest] = split_word(argument);
    const auto& table = site_commands();
    const auto command = std::find_if(table.begin(), table.end(),
                                      [name = upper(name)](const SiteCommand& c) { return c.name == name; });
    if (command == table.end()) {
        session.reply(504, "SITE knows " + known_names() + ".");
        co_return;
    }
    const bool needs_argument =
        command->usage.size() > command->name.size() && command->usage[command->name.size() + 1] != '[';
    if (needs_argument && rest.empty()) {
        session.reply(501, "Write SITE " + std::string(command->usage) + ".");
        co_return;
    }
    co_await command->run(session, std::move(rest));
}

}  // namespace stowage::ftps
