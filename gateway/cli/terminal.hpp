// What standard output can show, and how strangers' text is made safe for it.
// Runs in: CLI. Distrusts: every string that came from the gateway, a file or the command line.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::cli {

enum class Colour { plain, green, yellow, red, faint, bold };

/// Where output goes and what it may look like.
struct Console {
    std::FILE* out = stdout;
    bool json = false;  ///< the gateway's JSON instead of words
    bool live = false;  ///< a terminal whose last line can be rewritten
    bool colour = false;
    std::size_t columns = 80;

    std::string painted(Colour colour_name, std::string_view text) const;
    void line(std::string_view text) const;
};

/// Looks at standard output, TERM, NO_COLOR (no-color.org) and the window's width.
Console detect_console(bool json, bool no_colour);

/// Printable text stays, UTF-8 too; control characters, invalid bytes and what turns the writing direction
/// become \xNN. Newlines as well: split lines first.
std::string shown(std::string_view untrusted);

/// How many columns `text` takes, one per code point.
std::size_t width_of(std::string_view text);

/// "stowage: what" and "  remedy: …", every line escaped, for standard error.
std::string error_text(const Error& error);

}  // namespace stowage::cli
