// What yaml-cpp throws, as errors; and what it passes over.
// Runs in: supervisor, CLI.
#include "gateway/base/yaml_problem.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace stowage {

namespace {

bool is_marker(std::string_view line) {
    return line.rfind("---", 0) == 0 && (line.size() == 3 || line.find_first_of(" \t\r", 3) == 3);
}

/// The line, from 1, of the marker behind which the second document stands.
/// @param content the line where what is in it begins
int beginning(std::string_view text, int content) {
    int number = 0, found = 0;
    bool begun = false;  // the first document, by its marker or by what is in it
    for (std::size_t at = 0; at < text.size() && found == 0; ++number) {
        const auto line = text.substr(at, text.find('\n', at) - at);
        at += line.size() + 1;
        if (is_marker(line) && begun) found = number + 1;
        begun = begun || (!line.empty() && line.front() != '#' && line.front() != '%');
    }
    return found > 0 ? found : std::max(content, 1);
}

/// Which of the line where reading failed and its two neighbours, from 1, begins with a tab; 0: none.
int indented_by_tab(std::string_view text, int failed) {
    for (int number = 1; !text.empty() && number <= failed + 1; ++number) {
        const auto line = text.substr(0, text.find('\n'));
        const auto content = std::min(line.find_first_not_of(" \t"), line.size());
        if (number >= failed - 1 && line.substr(0, content).find('\t') != line.npos) return number;
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return 0;
}

}  // namespace

Result<void> load_yaml(const std::string& path, std::string_view text, YAML::Node& root) {
    const auto documents = YAML::LoadAll(std::string(text));
    if (!documents.empty()) root.reset(documents.front());
    if (documents.size() <= 1) return {};
    return Error{Code::config,
                 fmt::format("{}:{}: a second YAML document begins here, which nobody would read", path,
                             beginning(text, documents[1].Mark().line + 1)),
                 "remove this line"};
}

Error yaml_problem(const std::string& path, const YAML::Exception& problem, std::string_view text) {
    const auto line = problem.mark.line + 1;
    // yaml-cpp says "bad file" to it.
    if (const auto* deep = dynamic_cast<const YAML::DeepRecursion*>(&problem))
        return {Code::config,
                fmt::format("{}:{}: lists or maps lie in each other {} deep", path, line, deep->depth()),
                "remove brackets, dashes or indentation that nothing needs"};
    if (const int tab = indented_by_tab(text, line); tab > 0)
        return {Code::config, fmt::format("{}:{}: a tab indents this line, which YAML forbids", path, tab),
                "indent it with blanks"};
    return {Code::config, fmt::format("{}:{}: this is not YAML: {}", path, line, problem.msg),
            "correct this line or the one before it"};
}

}  // namespace stowage
