// check, config reference, config example, completion, version: what needs no running gateway.
// Runs in: CLI.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/base/config_file.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/commands.hpp"
#include "gateway/cli/completion.hpp"
#include "gateway/cli/config_pages.hpp"
#include "gateway/cli/socket_path.hpp"

namespace stowage::cli {

namespace {

struct Source {
    ConfigValues values;
    std::string name;
};

/// The file that was named, else the default file, else nothing but defaults.
Result<Source> read_source(const std::string& named) {
    const auto path = named.empty() ? std::string(default_config_file) : named;
    auto values = read_config_file(path);
    if (values) return Source{std::move(*values), path};
    if (named.empty() && values.error().code == Code::not_found)
        return Source{{}, "the built-in defaults (there is no " + path + ")"};
    return Error{Code::config, values.error().what, values.error().remedy};
}

/// Settings were checked to be KEY=VALUE with the other arguments.
void overlay(ConfigValues& values, const std::vector<std::string>& settings) {
    for (const auto& setting : settings) {
        const auto equals = setting.find('=');
        values[setting.substr(0, equals)] = {setting.substr(equals + 1), "--set"};
    }
}

}  // namespace

Result<Exit> run(const Check& command, Context& context) {
    TRY(auto source, read_source(command.config_file));
    overlay(source.values, command.settings);
    CHECK(parse_config(source.values));
    if (context.console.json)
        print_json(context.console, {{"ok", true}, {"source", source.name}});
    else
        context.console.line("the configuration is right: " + shown(source.name));
    return Exit::done;
}

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

Result<Exit> run(const Version&, Context& context) {
    if (context.console.json)
        print_json(context.console, {{"version", STOWAGE_VERSION}});
    else
        context.console.line("stowage " STOWAGE_VERSION);
    return Exit::done;
}

}  // namespace stowage::cli
