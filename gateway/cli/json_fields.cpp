// Field access that never throws.
// Runs in: CLI.
#include "gateway/cli/json_fields.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <ctime>

namespace stowage::cli {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr || value->is_structured() || value->is_null()) return {};
    if (const auto* text = value->if_string()) return std::string(*text);
    return json::serialize(*value);
}

std::optional<std::uint64_t> known_number(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr) return std::nullopt;
    if (const auto* whole = value->if_uint64()) return *whole;
    if (const auto* whole = value->if_int64(); whole != nullptr && *whole >= 0)
        return static_cast<std::uint64_t>(*whole);
    if (const auto* real = value->if_double(); real != nullptr && *real >= 0 && *real < 9e18)
        return static_cast<std::uint64_t>(*real);
    return std::nullopt;
}

std::uint64_t number_of(const json::object& object, std::string_view key, std::uint64_t otherwise) {
    return known_number(object, key).value_or(otherwise);
}

bool flag_of(const json::object& object, std::string_view key, bool otherwise) {
    const auto* value = object.if_contains(key);
    const auto* flag = value == nullptr ? nullptr : value->if_bool();
    return flag == nullptr ? otherwise : *flag;
}

const json::object* object_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_object();
}

const json::array& list_of(const json::object& object, std::string_view key) {
    static const json::array none;
    const auto* value = object.if_contains(key);
    const auto* list = value == nullptr ? nullptr : value->if_array();
    return list == nullptr ? none : *list;
}

std::string joined(const json::array& values) {
    std::string text;
    for (const auto& value : values) {
        std::string item;
        if (const auto* string = value.if_string()) item = std::string(*string);
        if (const auto* object = value.if_object()) item = text_of(*object, "name");
        if (item.empty()) continue;
        if (!text.empty()) text += ", ";
        text += item;
    }
    return text;
}

std::string moment_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr || !value->is_number()) return text_of(object, key);
    const auto seconds = static_cast<std::time_t>(number_of(object, key));
    if (seconds == 0 || seconds > 253'402'300'799)
        return {};  // the year 9999 is the last that gmtime must do
    return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(seconds));
}

namespace {

/// The code point at `at` of valid UTF-8; moves `at` behind it.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80) return lead;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    std::uint32_t point = lead & (0x3fu >> more);
    for (int i = 0; i < more && at < text.size(); ++i)
        point = (point << 6) | (static_cast<unsigned char>(text[at++]) & 0x3fu);
    return point;
}

}  // namespace

std::string ascii_json(std::string_view text) {
    std::string ascii;
    ascii.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto point = next_code_point(text, at);
        if (point >= 0x20 && point < 0x7f)
            ascii += static_cast<char>(point);
        else if (point == '\t' || point == '\n' || point == '\r')
            ascii += ' ';  // between tokens; inside strings JSON has them escaped already
        else if (point < 0x10000)
            ascii += fmt::format("\\u{:04x}", point);
        else
            ascii += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((point - 0x10000) >> 10),
                                 0xdc00 + ((point - 0x10000) & 0x3ff));
    }
    return ascii;
}

}  // namespace stowage::cli
