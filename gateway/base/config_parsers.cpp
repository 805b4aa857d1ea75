// Parsers of configuration values.
// Runs in: every process. Distrusts: the text.
#include "gateway/base/config_parsers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "gateway/base/ip_address.hpp"

namespace stowage::config_parsers {

namespace {

Error wrong(std::string why, std::string remedy) {
    return {Code::config, std::move(why), std::move(remedy)};
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto comma = text.find(',');
        auto part = text.substr(0, comma);
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ')
            part.remove_suffix(1);
        if (!part.empty()) parts.emplace_back(part);
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return parts;
}

Result<bool> boolean(std::string_view text) {
    return choice<bool>(text, {{"true", true}, {"false", false}, {"yes", true}, {"no", false}});
}

Result<std::uint64_t> number(std::string_view text, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty() || value < least ||
        value > most)
        return wrong("is not a whole number in range", fmt::format("use {} to {}", least, most));
    return value;
}

Result<std::chrono::seconds> duration(std::string_view text, std::chrono::seconds least,
                                      std::chrono::seconds most) {
    static constexpr std::pair<char, std::int64_t> units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    const auto remedy =
        fmt::format("use a number with s, m, h or d, from {}s to {}s", least.count(), most.count());
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc{} || value < 0 || unit.size() != 1)
        return wrong("is not a length of time", remedy);
    for (const auto& [letter, seconds] : units) {
        if (unit[0] != letter) continue;
        if (value > most.count() / seconds || std::chrono::seconds(value * seconds) < least)
            return wrong("is out of range", remedy);
        return std::chrono::seconds(value * seconds);
    }
    return wrong("has an unknown unit", remedy);
}

Result<std::string> absolute_path(std::string_view text) {
    const bool odd =
        has_control(text) || text.find("/../") != std::string_view::npos || text.ends_with("/..");
    if (text.empty() || text[0] != '/' || odd || text.size() > 1000)
        return wrong("is not an absolute path",
                     "use a path that starts with / and has no .. and no control characters");
    // One spelling: it is compared as text with realpath(3)'s and etab's.
    auto path = std::filesystem::path(text).lexically_normal().string();
    if (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

Result<std::string> path_or_empty(std::string_view text) {
    return text.empty() ? Result<std::string>(std::string()) : absolute_path(text);
}

Result<std::string> secret_path(std::string_view text) {
    constexpr std::string_view prefix = "$CREDENTIALS_DIRECTORY/";
    if (text.substr(0, prefix.size()) != prefix) return path_or_empty(text);
    const auto name = text.substr(prefix.size());
    // systemd.exec(5): a plain file name
    if (name.empty() || name.find('/') != name.npos || name.front() == '.')
        return wrong("is no credential", "write $CREDENTIALS_DIRECTORY/NAME, as LoadCredential= names it");
    return std::string(text);
}

Result<std::string> address(std::string_view text) {
    if (!is_ip_address(text))
        return wrong("is not an IP address", "use an IPv4 or IPv6 address such as 10.0.0.5 or ::");
    return std::string(text);
}

Result<std::vector<std::string>> addresses(std::string_view text) {
    auto parts = split(text);
    for (const auto& part : parts)
        CHECK(address(part));
    if (parts.empty()) return wrong("is empty", "name at least one address; :: is every address");
    return parts;
}

Result<std::vector<std::string>> networks(std::string_view text) {
    std::vector<std::string> canonical;
    for (const auto& part : split(text)) {
        TRY(auto network, parse_network(part));
        for (const auto& other : canonical)
            if (networks_overlap(other, network))
                return wrong(fmt::format("names {} and {}, which overlap", other, network),
                             "keep the wider one");
        canonical.push_back(std::move(network));
    }
    return canonical;
}

Result<std::vector<std::string>> clients(std::string_view text) {
    std::vector<std::string> canonical, seen;
    for (const auto& part : split(text)) {
        TRY(const auto client, parse_client(part));
        for (const auto& other : seen)
            if (networks_overlap(other, client.network))
                return wrong(fmt::format("names {} and {}, which overlap", other, client.network),
                             "keep the wider one");
        seen.push_back(client.network);
        canonical.push_back(to_text(client));
    }
    return canonical;
}

Result<std::string> word(std::string_view text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) ||
               std::string_view("._-").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (text.empty() || !plain || text.size() > 64)
        return wrong("is not a plain name", "use letters, digits and . _ -");
    return std::string(text);
}

Result<std::string> text_or_empty(std::string_view text) {
    if (has_control(text) || text.size() > 1000)
        return wrong("has control characters or is too long", "remove them");
    return std::string(text);
}

Result<std::string> url_or_empty(std::string_view text) {
    if (text.empty()) return std::string();
    const bool known = text.starts_with("https://") || text.starts_with("http://");
    if (!known || has_control(text) || text.find(' ') != std::string_view::npos || text.size() > 1000)
        return wrong("is not a URL", "use https://host or https://host:port");
    while (text.back() == '/')
        text.remove_suffix(1);
    return std::string(text);
}

Result<std::pair<std::uint16_t, std::uint16_t>> port_range(std::string_view text) {
    const auto remedy = "use two ports such as 50000-50999, from 1024 to 65535, the lower first";
    const auto hyphen = text.find('-');
    if (hyphen == std::string_view::npos) return wrong("is not a port range", remedy);
    auto low = number(text.substr(0, hyphen), 1024, 65535);
    auto high = number(text.substr(hyphen + 1), 1024, 65535);
    if (!low || !high || *low > *high) return wrong("is not a port range", remedy);
    return std::pair{static_cast<std::uint16_t>(*low), static_cast<std::uint16_t>(*high)};
}

Result<Durability> durability(std::string_view text) {
    return choice<Durability>(text, {{"full", Durability::full}, {"none", Durability::none}});
}

Result<Resumption> resumption(std::string_view text) {
    return choice<Resumption>(text, {{"required", Resumption::required}, {"optional", Resumption::optional}});
}

}  // namespace stowage::config_parsers
