// The file that the supervisor publishes beside its socket.
// Runs in: CLI.
#include "gateway/cli/gateway_config.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "gateway/base/config_file.hpp"

namespace stowage::cli {

namespace {

Result<ConfigValues> published(const Context& context) {
    return read_published_config(std::filesystem::path(context.gateway.socket_path()).parent_path());
}

Result<Config> from_files(const ConfigChoice& choice) {
    TRY(const auto source, read_config_source(choice));
    return parse_config(source.values);
}

}  // namespace

Result<Config> config_beside(const Context& context, const ConfigChoice& choice) {
    if (!choice.file.empty()) return from_files(choice);
    auto values = published(context);
    if (values) {
        for (const auto& [key, value] : choice.settings)
            (*values)[key] = value;
        return parse_config(*values);
    }
    if (!context.socket_was_named && values.error().code == Code::not_found) return from_files(choice);
    return Error{
        values.error().code, values.error().what,
        fmt::format("is {} the socket of a gateway that runs? Or name its configuration with --config FILE",
                    context.gateway.socket_path())};
}

Result<void> check_same_gateway(const Context& context, const Config& config) {
    const auto values = published(context);
    if (!values && values.error().code == Code::not_found) return {};  // no gateway: whoever asks it says so
    if (!values) return values.error();
    TRY(const auto running, parse_config(*values));
    if (running.state_dir == config.state_dir) return {};
    return Error{Code::config,
                 fmt::format("the gateway at {} keeps its state in {}, and the configuration says {}",
                             context.gateway.socket_path(), running.state_dir, config.state_dir),
                 "name the configuration of that gateway with --config FILE"};
}

}  // namespace stowage::cli
