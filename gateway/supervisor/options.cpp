// The supervisor's command line.
// Runs in: supervisor.
#include "gateway/supervisor/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "gateway/base/config_file.hpp"

namespace stowage::supervisor {

Result<Options> read_options(int argc, char** argv) {
    CLI::App app{"The stowage gateway: FTPS server, NFS exports and Run:ai registration of labs."};
    std::string file;
    std::vector<std::string> settings;
    app.add_option("--config", file,
                   fmt::format("Configuration file (default {} if it is there)", default_config_file));
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
    if (file.empty() && std::filesystem::exists(default_config_file)) file = default_config_file;
    if (!file.empty()) {
        TRY(options.values, read_config_file(file));
    }
    TRY(const auto overriding, parse_settings(settings));
    for (const auto& [key, value] : overriding)
        options.values[key] = value;
    TRY(options.config, parse_config(options.values));
    return options;
}

}  // namespace stowage::supervisor
