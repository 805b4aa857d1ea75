// GET /v1/config.
// Runs in: CLI.
#include "gateway/cli/gateway_config.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"

namespace stowage::cli {

namespace {

/// It is asked what it has in memory: one that takes longer hangs.
constexpr ControlClient::Limits limits{std::chrono::seconds(5), std::chrono::seconds(5)};

Result<ConfigValues> ask(const Context& context) {
    Context asking{ControlClient(context.gateway.socket_path(), limits), context.console};
    TRY(const auto answer, fetch_object(asking, {"GET", "/v1/config"}));
    ConfigValues values;
    if (const auto* given = object_of(answer, "values"))
        for (const auto& entry : *given)
            values[std::string(entry.key())] = {text_of(*given, entry.key()), "the gateway's configuration"};
    return values;
}

Result<Config> from_files(const ConfigChoice& choice) {
    TRY(const auto source, read_config_source(choice));
    return parse_config(source.values);
}

}  // namespace

Result<Config> config_beside(const Context& context, const ConfigChoice& choice) {
    if (!choice.file.empty()) return from_files(choice);
    auto values = ask(context);
    if (values) {
        for (const auto& [key, value] : choice.settings)
            (*values)[key] = value;
        return parse_config(*values);
    }
    auto error = values.error();
    if (error.code == Code::cancelled) return error;
    if (!context.socket_was_named) return from_files(choice);
    error.remedy += "; or name the gateway's configuration with --config FILE";
    return error;
}

Result<void> check_same_gateway(const Context& context, const Config& config) {
    TRY(const auto values, ask(context));
    TRY(const auto running, parse_config(values));
    if (running.state_dir == config.state_dir) return {};
    return Error{Code::config,
                 fmt::format("the gateway at {} keeps its state in {}, and the configuration says {}",
                             context.gateway.socket_path(), running.state_dir, config.state_dir),
                 "name the configuration of that gateway with --config FILE"};
}

}  // namespace stowage::cli
