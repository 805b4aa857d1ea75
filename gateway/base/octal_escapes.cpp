// From \ooo to bytes.
// Runs in: root_step.
#include "gateway/base/octal_escapes.hpp"

namespace stowage {

namespace {

bool is_escape(std::string_view text) {
    if (text.size() < 4 || text[0] != '\\' || text[1] > '3') return false;
    return text.substr(1, 3).find_first_not_of("01234567") == std::string_view::npos;
}

}  // namespace

std::string without_octal_escapes(std::string_view text) {
    std::string plain;
    while (!text.empty()) {
        const bool escape = is_escape(text);
        plain += escape ? static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'))
                        : text[0];
        text.remove_prefix(escape ? 4 : 1);
    }
    return plain;
}

}  // namespace stowage
