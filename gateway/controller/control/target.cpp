// Splitting targets.
// Runs in: controller.
#include "gateway/controller/control/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"

namespace stowage::controller {

namespace {

constexpr std::size_t most_bytes = 1024;

Error bad(std::string_view text, std::string_view why) {
    return {Code::invalid, fmt::format("target {}: {}", log::escaped(text.substr(0, 200)), why),
            "see the control API"};
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
    if (text.empty() || text.front() != '/' || text.size() > most_bytes) return bad(text, "is not a path");
    const auto mark = text.find('?');
    std::map<std::string, std::string, std::less<>> query;
    auto rest = mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
    while (!rest.empty()) {
        const auto pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || equals == 0) return bad(text, "its query is not key=value");
        if (!query.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
            return bad(text, "its query names a key twice");
    }
    return Target(std::string(text.substr(0, mark)), std::move(query));
}

bool Target::matches(std::string_view pattern) {
    const auto hole = pattern.find("{}");
    if (hole == std::string_view::npos) return path_ == pattern;
    const auto before = pattern.substr(0, hole), after = pattern.substr(hole + 2);
    const std::string_view path = path_;
    if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
        return false;
    const auto name = path.substr(before.size(), path.size() - before.size() - after.size());
    if (name.find('/') != std::string_view::npos) return false;
    name_ = name;
    return true;
}

Result<std::string> Target::lab() const {
    return parse_lab_name(name_);
}
Result<std::string> Target::user() const {
    return parse_user_name(name_);
}

Result<std::uint64_t> parse_session_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto* last = text.data() + text.size();
    const auto [end, failed] = std::from_chars(text.data(), last, number);
    if (failed == std::errc{} && end == last) return number;
    return Error{Code::invalid,
                 fmt::format("session: {} is not a session's number", log::escaped(text.substr(0, 80))),
                 "see `stowage sessions`"};
}

Result<std::string> parse_banned(std::string_view text) {
    auto network = client_network(text.substr(0, text.find('/')));
    if (!network.empty()) return network;
    return Error{Code::invalid,
                 fmt::format("address: {} is not an IP address", log::escaped(text.substr(0, 80))),
                 "give one that `stowage bans list` shows"};
}

Result<std::uint64_t> Target::session() const {
    return parse_session_number(name_);
}

std::string Target::query(std::string_view key) const {
    const auto found = query_.find(key);
    return found == query_.end() ? std::string() : found->second;
}

Result<void> Target::allow(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, value] : query_)
        if (std::find(keys.begin(), keys.end(), key) == keys.end())
            return Error{Code::invalid, fmt::format("query: {} is not known", log::escaped(key)),
                         "leave it out"};
    return {};
}

}  // namespace stowage::controller
