// config reference, config example, completion, version: what is printed without a gateway.
// Runs in: CLI.
#include <boost/json.hpp>

#include "gateway/cli/answer.hpp"
#include "gateway/cli/commands.hpp"
#include "gateway/cli/completion.hpp"
#include "gateway/cli/config_pages.hpp"
#include "gateway/cli/manual_pages.hpp"

namespace stowage::cli {

Result<Exit> run(const Completion&, Context& context) {
    const auto script = bash_completion();
    std::fwrite(script.data(), 1, script.size(), context.console.out);
    return Exit::done;
}

Result<Exit> run(const ConfigReference&, Context& context) {
    std::fputs(config_reference_page().c_str(), context.console.out);
    return Exit::done;
}

Result<Exit> run(const ConfigExample&, Context& context) {
    std::fputs(config_example_file().c_str(), context.console.out);
    return Exit::done;
}

Result<Exit> run(const Manual& command, Context& context) {
    const auto page = command.page == "stowage" ? commands_manual() : config_manual();
    std::fputs(page.c_str(), context.console.out);
    return Exit::done;
}

Result<Exit> run(const Version&, Context& context) {
    if (context.console.json)
        print_json(context.console, {{"version", STOWAGE_VERSION}});
    else
        context.console.line("stowage " STOWAGE_VERSION);
    return Exit::done;
}

}  // namespace stowage::cli
