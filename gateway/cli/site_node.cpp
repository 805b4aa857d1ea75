// Shapes of YAML nodes and the words for wrong ones.
// Runs in: CLI.
#include "gateway/cli/site_node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "gateway/base/log.hpp"
#include "gateway/cli/site_words.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

namespace {

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// As word processors make them of straight ones.
bool is_in_curly_quotes(std::string_view text) {
    return text.starts_with("\u201c") || text.starts_with("\u201d") || text.starts_with("\u2018") ||
           text.starts_with("\u2019");
}

std::string_view kind_of(const YAML::Node& node) {
    if (node.IsMap()) return "a map";
    if (node.IsSequence()) return "a list";
    return node.IsScalar() ? "a plain value" : "empty";
}

}  // namespace

std::string KeySet::advice(std::string_view key) const {
    const auto one = meant(key, known);
    return one.empty() ? fmt::format("it may have {}", fmt::join(known, ", ")) : one;
}

int line_of(const YAML::Node& node) {
    return std::max(node.Mark().line + 1, 1);
}

void SiteProblems::add(int line, std::string_view text) {
    problems_.push_back({line, std::string(text)});
}

void SiteProblems::add(const YAML::Node& at, std::string_view text) {
    add(line_of(at), text);
}

void SiteProblems::add(const YAML::Node& at, const std::string& where, const Error& error) {
    add(at, where + ": " + error.text());
}

Error SiteProblems::error() const {
    auto sorted = problems_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    std::string text;
    for (const auto& problem : sorted)
        text += fmt::format("{}{}:{}: {}", text.empty() ? "" : "\n", origin_, problem.line, problem.text);
    return {Code::config, text,
            fmt::format("correct the file, then look again: `stowage check --site {}`", origin_)};
}

void SiteProblems::each_key(const YAML::Node& map, const std::string& where, const KeySet& keys,
                            const std::function<void(const std::string&, const YAML::Node&)>& visit) {
    const auto inside = where.empty() ? std::string("the file") : where;
    if (!map.IsMap())
        return add(map, fmt::format("{} is {}; write keys with values there", inside, kind_of(map)));
    std::map<std::string, int> lines;
    for (const auto& entry : map) {
        const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
        const auto prefix = where.empty() ? std::string() : where + ".";
        if (const auto [first, is_new] = lines.emplace(key, line_of(entry.first)); !is_new)
            add(entry.first, fmt::format("{}{} is given twice, first in line {}; keep one", prefix,
                                         log::escaped(key), first->second));
        else if (contains(keys.known, key))
            visit(key, entry.second);
        else if (contains(keys.later, key))
            add(entry.first,
                fmt::format("{}{} is not yet supported by this version; remove it", prefix, key));
        else
            add(entry.first, fmt::format("unknown key {} in {}; {}", quoted(key), inside, keys.advice(key)));
    }
}

void SiteProblems::each_item(const YAML::Node& list, const std::string& where,
                             const std::function<void(const YAML::Node&, const std::string&)>& visit) {
    if (list.IsNull()) return;
    if (!list.IsSequence())
        return add(list, fmt::format("{} is {}; write a list there", where, kind_of(list)));
    std::size_t number = 0;
    for (const auto& item : list)
        visit(item, fmt::format("{}[{}]", where, ++number));
}

std::optional<std::string> SiteProblems::scalar(const YAML::Node& node, const std::string& where) {
    if (node.IsScalar() && is_in_curly_quotes(node.Scalar())) {
        add(node, fmt::format("{}: {} has curly quotation marks, which are part of the value in YAML; write "
                              "\" or leave them out",
                              where, shown(node.Scalar().substr(0, 80))));
        return std::nullopt;
    }
    if (node.IsScalar()) return node.Scalar();
    add(node, fmt::format("{} is {}; write one plain value there", where, kind_of(node)));
    return std::nullopt;
}

}  // namespace stowage::cli
