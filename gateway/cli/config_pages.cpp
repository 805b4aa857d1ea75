// Markdown and YAML from config_keys().
// Runs in: CLI.
#include "gateway/cli/config_pages.hpp"

#include <fmt/format.h>

#include "gateway/base/config.hpp"

namespace stowage::cli {

namespace {

std::string_view section_of(std::string_view key) {
    const auto dot = key.find('.');
    return dot == std::string_view::npos ? std::string_view() : key.substr(0, dot);
}

std::string_view name_of(std::string_view key) {
    const auto dot = key.find('.');
    return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

/// A bar would end the table's column.
std::string in_table(std::string_view text) {
    std::string safe;
    for (const char c : text)
        safe += c == '|' ? std::string("\\|") : std::string(1, c);
    return safe;
}

/// YAML reads ":: " and "" differently than we mean; everything else of the defaults is plain.
std::string yaml_value(std::string_view text) {
    if (text.empty() || text.find(':') != std::string_view::npos) return fmt::format("\"{}\"", text);
    return std::string(text);
}

}  // namespace

std::string config_reference_page() {
    std::string page =
        "# Configuration\n\n"
        "Made by `stowage config reference`; do not edit.\n\n"
        "The gateway reads `/etc/stowage/stowage.yaml` once, when it starts. A key with a dot stands under "
        "its\n"
        "section (`ftps:` then `port: 2121`); the full name works with `--set` (`--set ftps.port=2121`), "
        "which goes\n"
        "before the file. What is left out has its default. Unknown keys are errors. `stowage check` tells "
        "every\n"
        "problem without changing anything; a gateway that finds one exits with 78.\n\n"
        "Times: `90s`, `15m`, `12h`, `7d`. Sizes: `500GiB`, `10T` (powers of 1024) or `none`. Counts: `50M`\n"
        "(powers of 1000) or `none`. Lists: YAML lists, or comma-separated.\n";
    std::string_view section = "?";
    for (const auto& key : config_keys()) {
        if (section_of(key.key) != section) {
            section = section_of(key.key);
            page += fmt::format("\n## {}\n\n| key | default | value | what it does |\n|---|---|---|---|\n",
                                section.empty() ? "General" : section);
        }
        const auto value =
            key.default_text.empty() ? "empty" : fmt::format("`{}`", in_table(key.default_text));
        page +=
            fmt::format("| `{}` | {} | {} | {} |\n", key.key, value, in_table(key.unit), in_table(key.doc));
    }
    return page;
}

std::string config_example_file() {
    std::string file =
        "# The gateway's configuration: /etc/stowage/stowage.yaml. Every key is here with its default.\n"
        "# To change one, take away the # in front of it and of its section, then run: stowage check\n"
        "# Made by `stowage config example`; configuration.md has the same as tables.\n";
    std::string_view section;
    for (const auto& key : config_keys()) {
        if (section_of(key.key) != section) {
            section = section_of(key.key);
            file += fmt::format("\n#{}:\n", section);
        } else if (section.empty()) {
            file += "\n";
        }
        const std::string_view indent = section.empty() ? "" : "  ";
        file += fmt::format("{0}# {1} ({2})\n{0}#{3}: {4}\n", indent, key.doc, key.unit, name_of(key.key),
                            yaml_value(key.default_text));
    }
    return file;
}

}  // namespace stowage::cli
