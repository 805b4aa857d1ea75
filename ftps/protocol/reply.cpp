// Escaping and line structure of replies; the one table from Code to reply code.
// Runs in: front, worker. Distrusts: the text.
#include "ftps/protocol/reply.hpp"

#include <fmt/format.h>

namespace stowage::ftps {

namespace {

// Bytes above 0x7f stay as they are (names are UTF-8 or what their maker chose), 0xff is doubled (RFC 854
// IAC).
void append_safe(std::string& out, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += c;
        if (byte == 0xff) out += c;
    }
}

// RFC 854 IAC is doubled here too.
void append_name(std::string& out, std::string_view text) {
    for (const char c : text) {
        const bool ends_line = c == '\0' || c == '\r' || c == '\n';
        out.append(static_cast<unsigned char>(c) == 0xff ? 2 : 1, ends_line ? '?' : c);
    }
}

void append_line(std::string& out, int code, char separator, std::string_view text) {
    out += fmt::format("{:03}{}", code, separator);
    append_safe(out, text);
    out += "\r\n";
}

}  // namespace

std::string reply(int code, std::string_view text) {
    std::string out;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    for (;;) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) break;
        auto line = text.substr(0, end);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        append_line(out, code, '-', line);
        text.remove_prefix(end + 1);
    }
    append_line(out, code, ' ', text);
    return out;
}

std::string reply_part(int code, std::string_view text) {
    std::string out;
    append_line(out, code, '-', text);
    return out;
}

std::string reply_with_name(int code, std::string_view text) {
    auto out = fmt::format("{:03} ", code);
    append_name(out, text);
    return out += "\r\n";
}

std::string reply_lines(int code, std::string_view first, const std::vector<std::string>& lines,
                        std::string_view last) {
    std::string out;
    append_line(out, code, '-', first);
    for (const auto& line : lines) {
        out += ' ';
        append_name(out, line);
        out += "\r\n";
    }
    append_line(out, code, ' ', last);
    return out;
}

int reply_code(Code code) {
    switch (code) {
        case Code::usage:
            return 501;
        case Code::invalid:
            return 553;
        case Code::unsupported:
            return 504;
        case Code::over_quota:
        case Code::no_space:
            return 552;
        case Code::in_use:
        case Code::unavailable:
            return 450;
        case Code::timeout:
        case Code::cancelled:
            return 426;
        case Code::protocol:
            return 425;
        case Code::not_found:
        case Code::exists:
        case Code::differs:
        case Code::denied:
            return 550;
        case Code::config:
        case Code::io:
        case Code::internal:
            return 451;
    }
    return 451;
}

}  // namespace stowage::ftps
