// `stowage`: what admins type.
// Runs in: CLI, as whoever calls it. Distrusts: argv, the environment, the gateway's answers.
#include <signal.h>

#include <cstdio>
#include <cstring>
#include <exception>

#include "gateway/base/privileges.hpp"
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
    return {ControlClient(socket, limits), detect_console(invocation.json, invocation.no_colour)};
}

Exit execute(int argc, char** argv) {
    Console console;
    auto parsed = parse_arguments(argc, argv);
    if (!parsed) return report(console, parsed.error());
    if (const auto* help = std::get_if<HelpText>(&*parsed)) {
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
    auto exit = Exit::failed;
    try {
        exit = execute(argc, argv);
    } catch (const std::exception& problem) {
        report(Console(),
               Error{Code::internal, problem.what(), "this is a defect of stowage: please report it"});
    }
    // A password that went to a full disk must not look delivered.
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
        exit = report(Console(), Error{Code::io, std::string("standard output: ") + std::strerror(errno)});
    // As if the signal had not been held back: a shell's loop stops at Ctrl-C.
    if (const auto signal = caught_signal()) raise(signal);
    return static_cast<int>(exit);
}
