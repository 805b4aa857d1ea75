// The rules for lab names, user names, sizes and counts.
// Runs in: every process. Distrusts: every string given.
#include "gateway/base/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "gateway/base/log.hpp"
#include "gateway/base/utf8.hpp"

namespace stowage {

namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
__extension__ typedef unsigned __int128 Wide;

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/// Letters of other scripts as they are: whoever typed them shall know them again.
std::string readable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        char32_t point = 0;
        const auto length = std::max<std::size_t>(utf8_length(text, point), 1);
        // Below are control characters, and above letters there are marks that a terminal obeys.
        const bool is_letter = length > 1 && point >= 0xa1 && point < 0x2000;
        out += is_letter ? std::string(text.substr(0, length)) : log::escaped(text.substr(0, length));
        text.remove_prefix(length);
    }
    return out;
}

/// What a bad value looks like in an error: escaped, and cut when somebody sends a novel.
std::string shown(std::string_view text) {
    constexpr std::size_t most = 80;
    return "\"" + readable(text.substr(0, most)) + (text.size() > most ? "…\"" : "\"");
}

Error bad(std::string_view field, std::string_view text, std::string_view why, std::string remedy) {
    return {Code::invalid, fmt::format("{} {}: {}", field, shown(text), why), std::move(remedy)};
}

/// A number with decimals, without sign or exponent, as value * 10^-decimals.
struct Decimal {
    std::uint64_t digits = 0;
    std::uint64_t scale = 1;
    std::size_t length = 0;
};

Result<Decimal> parse_decimal(std::string_view text) {
    Decimal d;
    bool point = false;
    for (const char c : text) {
        if (c == '.' && !point && d.length > 0) {
            point = true;
        } else if (is_digit(c)) {
            if (d.digits > (largest - 9) / 10 || (point && d.scale >= 1'000'000'000))
                return Error{Code::invalid, "too many digits"};
            d.digits = d.digits * 10 + static_cast<std::uint64_t>(c - '0');
            if (point) d.scale *= 10;
        } else {
            break;
        }
        ++d.length;
    }
    if (d.length == 0 || text[d.length - 1] == '.') return Error{Code::invalid, "not a number"};
    return d;
}

Result<std::uint64_t> scaled(const Decimal& d, std::uint64_t unit) {
    const auto product = static_cast<Wide>(d.digits) * unit;
    if (product % d.scale != 0) return Error{Code::invalid, "not a whole number"};
    if (product / d.scale > largest) return Error{Code::invalid, "too large"};
    return static_cast<std::uint64_t>(product / d.scale);
}

}  // namespace

Result<std::string> parse_lab_name(std::string_view text) {
    constexpr auto remedy =
        "use a lower-case letter first, then lower-case letters, digits and hyphens, at most 57";
    if (text.empty()) return bad("lab name", text, "is empty", remedy);
    if (text.size() > 57) return bad("lab name", text, fmt::format("has {} bytes", text.size()), remedy);
    if (!is_lower(text[0])) return bad("lab name", text, "does not start with a lower-case letter", remedy);
    for (const char c : text)
        if (!is_lower(c) && !is_digit(c) && c != '-')
            return bad("lab name", text, "has a character that Run:ai refuses", remedy);
    if (text.back() == '-') return bad("lab name", text, "ends with a hyphen", remedy);
    return std::string(text);
}

Result<std::string> parse_user_name(std::string_view text) {
    constexpr auto remedy = "use a letter or digit first, then letters, digits and . _ - @ +, at most 64";
    if (text.empty()) return bad("user name", text, "is empty", remedy);
    if (text.size() > 64) return bad("user name", text, fmt::format("has {} bytes", text.size()), remedy);
    if (!is_alphanumeric(text[0]))
        return bad("user name", text, "does not start with a letter or digit", remedy);
    for (const char c : text)
        if (!is_alphanumeric(c) && std::string_view("._-@+").find(c) == std::string_view::npos)
            return bad("user name", text, "has a character that is not allowed", remedy);
    return std::string(text);
}

Result<std::uint64_t> parse_bytes(std::string_view field, std::string_view text) {
    constexpr auto remedy = "give a size such as 500GiB, 10TiB or 1.5T, or none for no limit";
    if (text == "none") return 0;
    auto number = parse_decimal(text);
    if (!number) return bad(field, text, number.error().what, remedy);
    const auto unit = text.substr(number->length);
    static constexpr std::string_view letters = "KMGTP";
    if (unit.empty() && number->digits != 0) return bad(field, text, "has no unit", remedy);
    std::uint64_t factor = 1;
    if (!unit.empty() && unit != "B") {
        const auto power = letters.find(static_cast<char>(unit[0] & ~0x20));
        const auto rest = unit.substr(1);
        if (power == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "iB"))
            return bad(field, text, "has an unknown unit", remedy);
        factor = std::uint64_t{1} << (10 * (power + 1));
    }
    auto bytes = scaled(*number, factor);
    if (!bytes) return bad(field, text, bytes.error().what, remedy);
    if (*bytes == 0) return bad(field, text, "leaves no room at all", remedy);
    return bytes;
}

Result<std::uint64_t> parse_count(std::string_view field, std::string_view text) {
    constexpr auto remedy = "give a count such as 50M, 200K or 1000000, or none for no limit";
    if (text == "none") return 0;
    auto number = parse_decimal(text);
    if (!number) return bad(field, text, number.error().what, remedy);
    const auto unit = text.substr(number->length);
    std::uint64_t factor = 1;
    if (unit == "K" || unit == "k")
        factor = 1'000;
    else if (unit == "M")
        factor = 1'000'000;
    else if (unit == "G")
        factor = 1'000'000'000;
    else if (!unit.empty())
        return bad(field, text, "has an unknown unit", remedy);
    auto count = scaled(*number, factor);
    if (!count) return bad(field, text, count.error().what, remedy);
    if (*count == 0) return bad(field, text, "leaves no room at all", remedy);
    return count;
}

std::string format_bytes(std::uint64_t bytes) {
    static constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    auto number = fmt::format("{:.2f}", value);
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
    return number + units[unit];
}

}  // namespace stowage
