// The file that was named, else the default file, else nothing but defaults.
// Runs in: CLI.
#include "gateway/cli/config_source.hpp"

#include "gateway/base/config_file.hpp"

namespace stowage::cli {

Result<ConfigSource> read_config_source(const ConfigChoice& choice) {
    ConfigSource source;
    const auto path = choice.file.empty() ? std::string(default_config_file) : choice.file;
    auto values = read_config_file(path);
    if (values)
        source = {std::move(*values), path, true};
    else if (choice.file.empty() && values.error().code == Code::not_found)
        source.name = "the built-in defaults (there is no " + path + ")";
    else
        return Error{Code::config, values.error().what, values.error().remedy};
    for (const auto& [key, value] : choice.settings)
        source.values[key] = value;
    return source;
}

}  // namespace stowage::cli
