// What was typed, into a command.
// Runs in: CLI. Distrusts: argv.
#include "gateway/cli/arguments.hpp"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "gateway/base/nearest.hpp"
#include "gateway/cli/command_line.hpp"

namespace stowage::cli {

/// The innermost command that was named, for hints and help.
const CLI::App* CommandLine::deepest() const {
    const CLI::App* app = &app_;
    while (!app->get_subcommands().empty())
        app = app->get_subcommands().back();
    return app;
}

Result<std::variant<Invocation, HelpText>> CommandLine::invocation() const {
    for (const auto& leaf : leaves_) {
        if (leaf.app != deepest()) continue;
        TRY(auto command, leaf.checked(raw_));
        Invocation invocation{.command = std::move(command),
                              .json = raw_.json,
                              .no_colour = raw_.no_colour,
                              .socket = raw_.socket};
        if (raw_.timeout > 0) invocation.timeout = std::chrono::seconds(raw_.timeout);
        return std::variant<Invocation, HelpText>(std::move(invocation));
    }
    return Error{Code::usage, "no command is given", "see stowage --help"};
}

/// CLI11's words, or better ones for a command that does not exist.
Error CommandLine::refusal_of(const CLI::ParseError& problem) const {
    const auto* app = deepest();
    std::string path = app->get_name();
    for (const auto* parent = app->get_parent(); parent != nullptr; parent = parent->get_parent())
        path = parent->get_name() + " " + path;
    std::vector<std::string_view> names;
    for (const auto* command : app->get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(command->get_name());
    const auto left = app_.remaining(true);
    if (!names.empty() && !left.empty()) {
        const auto& word = left.front();
        const bool option = word.size() > 1 && word.starts_with('-');
        const auto meant = option ? std::string_view() : resembling(word, names);
        return {Code::usage,
                fmt::format("unknown {} \"{}\"{}", option ? "option" : "command", word,
                            meant.empty() ? "" : fmt::format("; did you mean {}?", meant)),
                fmt::format("see {} --help", path)};
    }
    return {Code::usage, problem.what(), fmt::format("see {} --help", path)};
}

Result<std::variant<Invocation, HelpText>> CommandLine::parse(int argc, const char* const* argv) {
    try {
        app_.parse(argc, argv);
        return invocation();
    } catch (const CLI::CallForHelp&) {
        return std::variant<Invocation, HelpText>(HelpText{app_.help()});
    } catch (const CLI::CallForVersion&) {
        return std::variant<Invocation, HelpText>(
            Invocation{.command = Version{}, .json = asks_for_json(argc, argv)});
    } catch (const CLI::ParseError& problem) {
        return refusal_of(problem);
    }
}

bool asks_for_json(int argc, const char* const* argv) {
    for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i)
        if (std::string_view(argv[i]) == "--json") return true;
    return false;
}

Result<std::variant<Invocation, HelpText>> parse_arguments(int argc, const char* const* argv) {
    return CommandLine().parse(argc, argv);
}

}  // namespace stowage::cli
