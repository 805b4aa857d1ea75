// The supervisor's command line.
// Runs in: supervisor.
#include "gateway/supervisor/options.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>

#include "gateway/base/config_file.hpp"

namespace stowage::supervisor {

namespace {

constexpr auto default_file = "/etc/stowage/stowage.yaml";

Result<void> add_settings(ConfigValues& values, const std::vector<std::string>& settings) {
    for (const auto& setting : settings) {
        const auto equals = setting.find('=');
        if (equals == std::string::npos)
            return Error{Code::usage, "--set " + setting + " has no =", "write --set KEY=VALUE"};
        const auto value = setting.substr(equals + 1);
        if (value.find('\n') != std::string::npos)
            return Error{Code::usage, "--set " + setting.substr(0, equals) + " has a line end in its value",
                         "remove it"};
        values[setting.substr(0, equals)] = {value, "--set"};
    }
    return {};
}

}  // namespace

Result<Options> read_options(int argc, char** argv) {
    CLI::App app{"The stowage gateway: FTPS server, NFS exports and Run:ai registration of labs."};
    std::string file;
    std::vector<std::string> settings;
    app.add_option("--config", file,
                   std::string("Configuration file (default ") + default_file + " if it is there)");
    app.add_option("--set", settings, "Override one key, for example --set ftps.port=2121")
        ->allow_extra_args(false);
    app.set_version_flag("--version", STOWAGE_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        const int code = app.exit(problem);
        if (code == 0) std::exit(0);
        return Error{Code::usage, problem.what(), "see --help"};
    }
    Options options;
    if (file.empty() && std::filesystem::exists(default_file)) file = default_file;
    if (!file.empty()) {
        TRY(options.values, read_config_file(file));
    }
    CHECK(add_settings(options.values, settings));
    TRY(options.config, parse_config(options.values));
    return options;
}

}  // namespace stowage::supervisor
