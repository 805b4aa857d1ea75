// Terminal detection, colours, escaping.
// Runs in: CLI.
#include "gateway/cli/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "gateway/base/utf8.hpp"

namespace stowage::cli {

namespace {

bool is_harmless(char32_t point) {
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return false;
    // Zero-width and direction marks: they can make a name look like another one.
    if (point >= 0x200b && point <= 0x200f) return false;
    if (point >= 0x2028 && point <= 0x202e) return false;
    if (point >= 0x2060 && point <= 0x206f) return false;
    return point != 0x061c && point != 0xfeff && point < 0xe0000;
}

const char* sequence(Colour colour) {
    switch (colour) {
        case Colour::green:
            return "\x1b[32m";
        case Colour::yellow:
            return "\x1b[33m";
        case Colour::red:
            return "\x1b[31m";
        case Colour::faint:
            return "\x1b[2m";
        case Colour::bold:
            return "\x1b[1m";
        case Colour::plain:
            break;
    }
    return "";
}

}  // namespace

std::string Console::painted(Colour colour_name, std::string_view text) const {
    if (!colour || colour_name == Colour::plain || text.empty()) return std::string(text);
    return fmt::format("{}{}\x1b[0m", sequence(colour_name), text);
}

void Console::line(std::string_view text) const {
    std::fwrite(text.data(), 1, text.size(), out);
    std::fputc('\n', out);
}

Console detect_console(bool json, bool no_colour) {
    const auto* term = std::getenv("TERM");
    const bool able = isatty(STDOUT_FILENO) && term != nullptr && std::string_view(term) != "dumb";
    const auto* refused = std::getenv("NO_COLOR");
    Console console;
    console.json = json;
    console.live = able && !json;
    console.colour = console.live && !no_colour && (refused == nullptr || *refused == '\0');
    winsize size{};
    if (able && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        console.columns = size.ws_col;
    return console;
}

std::string shown(std::string_view untrusted) {
    std::string text;
    text.reserve(untrusted.size());
    while (!untrusted.empty()) {
        char32_t point = 0;
        const auto length = utf8_length(untrusted, point);
        if (length > 0 && is_harmless(point)) {
            text += untrusted.substr(0, length);
        } else {
            for (std::size_t i = 0; i < std::max<std::size_t>(length, 1); ++i)
                text += fmt::format("\\x{:02x}", static_cast<unsigned char>(untrusted[i]));
        }
        untrusted.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text;
}

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

std::string error_text(const Error& error) {
    std::string text;
    for (std::string_view rest = error.what; !rest.empty();) {
        const auto end = rest.find('\n');
        text += fmt::format("stowage: {}\n", shown(rest.substr(0, end)));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    if (!error.remedy.empty()) text += fmt::format("  remedy: {}\n", shown(error.remedy));
    return text;
}

}  // namespace stowage::cli
