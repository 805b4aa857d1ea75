// Numbers, switches, names and addresses.
// Runs in: CLI.
#include "gateway/cli/site_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <charconv>
#include <locale>

#include "gateway/base/identity.hpp"
#include "gateway/base/nearest.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

std::string for_lab(std::string text, const std::string& lab) {
    const std::string hole = "{lab}";
    for (auto at = text.find(hole); at != text.npos; at = text.find(hole, at + lab.size()))
        text.replace(at, hole.size(), lab);
    return text;
}

std::string quoted(std::string_view text) {
    return fmt::format("\"{}{}\"", shown(text.substr(0, 80)), text.size() > 80 ? "..." : "");
}

std::string meant(std::string_view word, const std::vector<std::string_view>& known) {
    const auto closest = resembling(word, known);
    return closest.empty() ? std::string() : fmt::format("did you mean {}?", closest);
}

std::optional<double> number_in(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<bool> read_flag(SiteProblems& problems, const YAML::Node& node, const std::string& where) {
    const auto text = problems.scalar(node, where);
    if (!text) return std::nullopt;
    if (*text == "true" || *text == "on" || *text == "yes") return true;
    if (*text == "false" || *text == "off" || *text == "no") return false;
    problems.add(node, fmt::format("{}: {} is neither on nor off", where, quoted(*text)));
    return std::nullopt;
}

std::optional<std::string> read_name(SiteProblems& problems, const YAML::Node& node,
                                     const std::string& where) {
    const auto text = problems.scalar(node, where);
    if (!text) return std::nullopt;
    // Run:ai's names keep the rules of labs' names.
    const auto name = parse_lab_name(for_lab(*text, "x"));
    if (name) return text;
    problems.add(node, fmt::format("{}: {} is no name that Run:ai takes; use lower-case letters, digits and "
                                   "hyphens, a letter first",
                                   where, quoted(*text)));
    return std::nullopt;
}

std::vector<std::string> read_names(SiteProblems& problems, const YAML::Node& node,
                                    const std::string& where) {
    std::vector<std::string> names;
    problems.each_item(node, where, [&](const YAML::Node& item, const std::string& place) {
        const auto text = problems.scalar(item, place);
        if (!text) return;
        if (text->empty() || text->size() > 200)
            problems.add(item, place + " is no name");
        else if (std::find(names.begin(), names.end(), *text) != names.end())
            problems.add(item, fmt::format("{}: {} is there twice; keep one", place, quoted(*text)));
        else
            names.push_back(*text);
    });
    return names;
}

std::optional<std::string> read_email(SiteProblems& problems, const YAML::Node& node,
                                      const std::string& where) {
    const auto text = problems.scalar(node, where);
    if (!text) return std::nullopt;
    auto email = boost::algorithm::to_lower_copy(*text, std::locale::classic());
    const auto at = email.find('@');
    const auto dot = email.rfind('.');
    const bool good = at != email.npos && at > 0 && email.find('@', at + 1) == email.npos &&
                      dot != email.npos && dot > at + 1 && email.size() - dot > 2 && email.size() <= 254 &&
                      email.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._%+-@") == email.npos;
    if (good) return email;
    problems.add(
        node, fmt::format("{}: {} is no email address; write it as name@example.org", where, quoted(*text)));
    return std::nullopt;
}

}  // namespace stowage::cli
