// man(7) text.
// Runs in: CLI.
#include "gateway/cli/manual_pages.hpp"

#include <fmt/format.h>

#include "gateway/base/config.hpp"
#include "gateway/cli/command_line.hpp"

namespace stowage::cli {

namespace {

/// Text that roff takes as it is: no escapes, no requests, hyphens that can be copied.
std::string roff(std::string_view text) {
    std::string safe;
    bool starts_line = true;
    for (const char c : text) {
        if (starts_line && (c == '.' || c == '\'')) safe += "\\&";
        if (c == '\\')
            safe += "\\e";
        else if (c == '-')
            safe += "\\-";
        else
            safe += c;
        starts_line = c == '\n';
    }
    return safe;
}

std::string heading(std::string_view name, int section) {
    return fmt::format(".TH {} {} \"\" \"stowage {}\" \"Stowage\"\n", name, section, STOWAGE_VERSION);
}

std::string full_name(const CLI::App& app) {
    const auto* parent = app.get_parent();
    return parent ? full_name(*parent) + " " + app.get_name() : app.get_name();
}

std::string option_text(const CLI::Option& option) {
    if (option.get_positional()) return fmt::format("\\fI{}\\fR", roff(option.get_name(true)));
    auto text = fmt::format("\\fB{}\\fR", roff(option.get_name()));
    if (option.get_items_expected_max() > 0 && !option.get_type_name().empty())
        text += fmt::format(" \\fI{}\\fR", roff(option.get_type_name()));
    return text;
}

void add_options(std::string& page, const CLI::App& app) {
    for (const auto* option : app.get_options()) {
        if (app.get_parent() && option == app.get_help_ptr()) continue;  // said once, for all
        page += fmt::format(".TP\n{}\n{}\n", option_text(*option), roff(option->get_description()));
    }
}

/// The lines behind "Example:" of a command's help.
std::string example_of(const CLI::App& app) {
    const auto footer = app.get_footer();
    const auto begin = footer.find("Example:\n");
    if (begin == std::string::npos) return {};
    return fmt::format(".PP\nExample:\n.PP\n.nf\n.RS\n{}\n.RE\n.fi\n", roff(footer.substr(begin + 11)));
}

void add_command(std::string& page, const CLI::App& app) {
    const auto nested = app.get_subcommands([](const CLI::App*) { return true; });
    // A group does nothing itself; `sessions` is a command that has another one.
    if (nested.empty() || app.get_require_subcommand_min() == 0) {
        page += fmt::format(".SS {}\n{}\n", roff(full_name(app)), roff(app.get_description()));
        add_options(page, app);
        page += example_of(app);
    }
    for (const auto* command : nested)
        add_command(page, *command);
}

std::string_view section_of(std::string_view key) {
    const auto dot = key.find('.');
    return dot == std::string_view::npos ? "General" : key.substr(0, dot);
}

}  // namespace

std::string commands_manual() {
    const CommandLine line;
    const auto& app = line.app();
    auto page = heading("STOWAGE", 1);
    page +=
        ".SH NAME\nstowage \\- labs, users and state of a storage gateway\n"
        ".SH SYNOPSIS\n\\fBstowage\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR ...]\n"
        ".SH DESCRIPTION\n"
        "Talks to the gateway (\\fBstowage\\fR(8)) over its control socket. Root and members of the group\n"
        "stowage\\-admin may use it. Each command shows its steps as they happen, and says what to do when "
        "one\n"
        "fails.\n.SH OPTIONS\nEvery command takes these:\n";
    add_options(page, app);
    page += ".SH COMMANDS\n";
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
        add_command(page, *command);
    page +=
        ".SH EXIT STATUS\n0 done, 1 failed, 2 usage, 3 not everything converged, 78 configuration.\n"
        ".SH SEE ALSO\n\\fBstowage\\fR(8), \\fBstowage.yaml\\fR(5), /usr/share/doc/stowage/cli.md\n";
    return page;
}

std::string config_manual() {
    auto page = heading("STOWAGE.YAML", 5);
    page +=
        ".SH NAME\nstowage.yaml \\- configuration of the storage gateway\n"
        ".SH SYNOPSIS\n/etc/stowage/stowage.yaml\n"
        ".SH DESCRIPTION\n"
        "Read once, when the gateway starts. A key with a dot stands under its section (\\fBftps:\\fR then\n"
        "\\fBport: 2121\\fR). What is left out has its default; unknown keys are errors. \\fBstowage "
        "check\\fR tells\n"
        "every problem without changing anything; a gateway that finds one exits with 78.\n"
        ".PP\n"
        "Times: 90s, 15m, 12h, 7d. Sizes: 500GiB, 10T (powers of 1024) or none. Counts: 50M (powers of 1000) "
        "or\n"
        "none. Lists: YAML lists, or comma\\-separated.\n";
    std::string_view section;
    for (const auto& key : config_keys()) {
        if (section_of(key.key) != section) {
            section = section_of(key.key);
            page += fmt::format(".SH {}\n", roff(section));
        }
        page += fmt::format(".TP\n\\fB{}\\fR ({}; default: {})\n{}\n", roff(key.key), roff(key.unit),
                            key.default_text.empty() ? "empty" : roff(key.default_text), roff(key.doc));
    }
    page += ".SH SEE ALSO\n\\fBstowage\\fR(1), \\fBstowage\\fR(8), /usr/share/doc/stowage/configuration.md\n";
    return page;
}

}  // namespace stowage::cli
