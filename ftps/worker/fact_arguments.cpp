// Facts, modes and times.
// Runs in: worker.
#include "ftps/worker/fact_arguments.hpp"

#include <strings.h>

#include <charconv>

#include "ftps/protocol/ascii_case.hpp"
#include "ftps/worker/command_arguments.hpp"
#include "ftps/worker/file_times.hpp"

namespace stowage::ftps {

namespace {

/// YYYYMMDDhhmm or YYYYMMDDhhmmss.
Result<std::int64_t> parse_short_time(std::string_view text) {
    return parse_fact_time(text.size() == 12 ? std::string(text) + "00" : std::string(text));
}

/// The last word of `text`, taken off with the blank before it.
std::string take_last_word(std::string& text) {
    const auto blank = text.rfind(' ');
    if (blank == std::string::npos) return {};
    auto word = text.substr(blank + 1);
    text.resize(blank);
    return word;
}

}  // namespace

Result<mode_t> parse_mode(std::string_view text) {
    unsigned bits = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), bits, 8);
    if (text.empty() || failed != std::errc{} || end != text.data() + text.size() || bits > 07777)
        return Error{Code::usage, "not a mode: " + std::string(text.substr(0, 40)),
                     "write it in octal, for example 640"};
    return bits;
}

Result<NewFacts> parse_new_facts(std::string_view text) {
    NewFacts facts;
    while (!text.empty()) {
        const auto end = text.find(';'), equals = text.find('=');
        if (end == std::string_view::npos || equals > end)
            return Error{Code::usage, "MFF takes facts, each with its value and ';', one blank, and a path",
                         "for example: MFF modify=20260131120000;UNIX.mode=0640; file"};
        const std::string name(text.substr(0, equals));
        const auto value = text.substr(equals + 1, end - equals - 1);
        text.remove_prefix(end + 1);
        if (::strcasecmp(name.c_str(), "modify") == 0) {
            TRY(facts.modified, parse_fact_time(value));
        } else if (::strcasecmp(name.c_str(), "create") == 0) {
            TRY(facts.created, parse_fact_time(value));
        } else if (::strcasecmp(name.c_str(), "UNIX.mode") == 0) {
            TRY(facts.mode, parse_mode(value));
        } else {
            return Error{Code::unsupported, name + ": this fact cannot be set here",
                         "modify, create and UNIX.mode can"};
        }
    }
    return facts;
}

Result<Utime> parse_utime(const std::string& text) {
    auto path = text;
    if (upper(take_last_word(path)) == "UTC") {
        const auto created = parse_short_time(take_last_word(path));
        const auto modified = parse_short_time(take_last_word(path));
        const auto accessed = parse_short_time(take_last_word(path));
        if (created && modified && accessed && !path.empty()) return Utime{path, *modified};
    }
    auto [time, name] = split_word(text);
    TRY(const auto modified, parse_short_time(time));
    if (name.empty()) return Error{Code::usage, "SITE UTIME needs a path"};
    return Utime{std::move(name), modified};
}

}  // namespace stowage::ftps
