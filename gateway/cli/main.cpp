// `stowage`: what admins type.
// Runs in: CLI, as whoever calls it. Distrusts: argv, the environment, the gateway's answers.
#include <signal.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstring>
#include <exception>

#include "gateway/base/privileges.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/arguments.hpp"
#include "gateway/cli/error_report.hpp"
#include "gateway/cli/socket_path.hpp"

namespace {

using namespace stowage;
using namespace stowage::cli;

Context context_of(const Invocation& invocation) {
    ControlClient::Limits limits;
    if (invocation.timeout) limits = {*invocation.timeout, *invocation.timeout};
    const auto socket = invocation.socket.empty() ? default_socket_path() : invocation.socket;
    return {ControlClient(socket, limits), detect_console(invocation.json, invocation.no_colour),
            !invocation.socket.empty()};
}

Exit execute(int argc, char** argv, const Console& console) {
    auto parsed = parse_arguments(argc, argv);
    if (!parsed) return report(console, parsed.error());
    if (const auto* help = std::get_if<HelpText>(&*parsed)) {
        if (console.json)
            print_json(console, {{"help", help->text}});
        else
            std::fputs(help->text.c_str(), stdout);
        return Exit::done;
    }
    auto context = context_of(std::get<Invocation>(*parsed));
    auto exit = std::visit([&](const auto& command) { return run(command, context); },
                           std::get<Invocation>(*parsed).command);
    return exit ? *exit : report(context.console, exit.error());
}

}  // namespace

int main(int argc, char** argv) {
    privileges::harden();
    Console console;
    console.json = asks_for_json(argc, argv);
    auto exit = Exit::failed;
    try {
        exit = execute(argc, argv, console);
    } catch (const std::exception& problem) {
        report(console,
               Error{Code::internal, problem.what(), "this is a defect of stowage: please report it"});
    }
    // A password that went to a full disk must not look delivered.
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
        exit = report(Console(), Error{Code::io, std::string("standard output: ") + std::strerror(errno)});
    // As if the signal had not been held back: a shell's loop stops at Ctrl-C.
    if (const auto signal = caught_signal()) raise(signal);
    return static_cast<int>(exit);
}
