// libFuzzer: any bytes on a control connection, cut anywhere, before the login.
// Planted, and found within a second: Telnet's state forgotten between two pieces (feed()); control bytes
// left in replies (reply()).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "ftps/front/login_dialog.hpp"
#include "ftps/protocol/command_line.hpp"
#include "ftps/protocol/reply.hpp"

namespace {

using namespace stowage::ftps;

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
bool ends_a_line(char c) {
    return c == '\0' || c == '\r' || c == '\n';
}

// Each line of a reply starts with its code or a blank and holds no control byte, or, where names stand, none
// that could end a line: nothing in it was forged.
void demand_well_formed(std::string_view reply, bool (*forbidden)(char) = is_control) {
    while (!reply.empty()) {
        const auto end = reply.find("\r\n");
        if (end == std::string_view::npos) std::abort();
        const auto line = reply.substr(0, end);
        const bool forged = std::any_of(line.begin(), line.end(), forbidden);
        if (forged || line.empty() || (line[0] != ' ' && line.size() < 4)) std::abort();
        reply.remove_prefix(end + 2);
    }
}

std::vector<std::string> lines_of(std::string_view bytes, std::size_t chunk) {
    CommandReader reader;
    LoginDialog dialog(true);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < bytes.size(); at += chunk) {
        reader.feed(bytes.substr(at, chunk));
        for (auto next = reader.next(); !std::holds_alternative<CommandReader::NeedMore>(next);
             next = reader.next()) {
            if (auto* bad = std::get_if<CommandReader::BadLine>(&next)) {
                lines.push_back("!" + bad->reason);
                demand_well_formed(dialog.on(*bad).reply);
                continue;
            }
            auto& command = std::get<Command>(next);
            if (command.argument.size() > CommandReader::max_line_bytes) std::abort();
            lines.push_back(command.verb + " " + command.argument);
            demand_well_formed(reply(550, command.argument));
            demand_well_formed(reply_part(213, command.argument));
            demand_well_formed(reply_with_name(257, command.argument), ends_a_line);
            demand_well_formed(reply_lines(250, "Facts", {command.argument}, "End"), ends_a_line);
            demand_well_formed(dialog.on(command).reply);
        }
    }
    return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = lines_of(bytes, std::max<std::size_t>(size, 1));
    if (lines_of(bytes, 1) != whole || lines_of(bytes, 3) != whole) std::abort();
    return 0;
}
