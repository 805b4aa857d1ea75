// The command line.
// Runs in: CLI. Distrusts: argv.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "gateway/cli/commands.hpp"

namespace stowage::cli {

/// One call of `stowage`.
struct Invocation {
    Command command;
    bool json = false, no_colour = false;
    std::string socket;                             ///< empty: default_socket_path()
    std::optional<std::chrono::seconds> timeout{};  ///< of waits for the gateway
};

/// What --help asks for, to be printed on standard output.
struct HelpText {
    std::string text;
};

/// Whether --json was given, even where the rest of the line is wrong: then that is told in JSON too.
bool asks_for_json(int argc, const char* const* argv);

/// Parses and checks names, sizes and networks. Code::usage with the command whose --help tells more.
Result<std::variant<Invocation, HelpText>> parse_arguments(int argc, const char* const* argv);

}  // namespace stowage::cli
