// config reference, config example, completion, version: what is printed without a gateway.
// Runs in: CLI.
#include <boost/json.hpp>

#include "gateway/base/config.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/commands.hpp"
#include "gateway/cli/completion.hpp"
#include "gateway/cli/config_pages.hpp"
#include "gateway/cli/manual_pages.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

/// As it is, or as the one field of an object.
Exit print_text(const Console& console, std::string_view field, std::string_view text) {
    if (console.json)
        print_json(console, {{field, text}});
    else
        std::fwrite(text.data(), 1, text.size(), console.out);
    return Exit::done;
}

}  // namespace

Result<Exit> run(const Completion&, Context& context) {
    return print_text(context.console, "script", bash_completion());
}

Result<Exit> run(const ConfigReference&, Context& context) {
    if (!context.console.json) return print_text(context.console, "", config_reference_page());
    json::array keys;
    for (const auto& key : config_keys())
        keys.push_back(json::object{
            {"key", key.key}, {"default", key.default_text}, {"value", key.unit}, {"doc", key.doc}});
    json::object reference;
    reference["keys"] = std::move(keys);
    print_json(context.console, reference);
    return Exit::done;
}

Result<Exit> run(const ConfigExample&, Context& context) {
    return print_text(context.console, "file", config_example_file());
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
