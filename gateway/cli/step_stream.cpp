// Lines of a stream to the step view, or through to standard output.
// Runs in: CLI.
#include "gateway/cli/step_stream.hpp"

#include <optional>

#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/step_view.hpp"

namespace stowage::cli {

Result<ResultEvent> follow_steps(Context& context, const ControlRequest& request) {
    const auto& console = context.console;
    StepView view(console);
    std::optional<ResultEvent> result;
    const auto take = [&](std::string_view line) -> Result<void> {
        TRY(auto event, parse_event(line));
        if (console.json) {
            console.line(ascii_json(line));
            std::fflush(console.out);
        } else if (const auto* step = std::get_if<StepEvent>(&event)) {
            view.show(*step);
        }
        if (auto* last = std::get_if<ResultEvent>(&event)) result = std::move(*last);
        return {};
    };
    const auto tick = console.live ? std::function<void()>([&] { view.tick(); }) : std::function<void()>();
    auto followed = context.gateway.follow(request, take, tick);
    // With the result at hand it is no matter how the connection ended.
    if (result) return std::move(*result);
    CHECK(followed);
    return Error{Code::protocol, "the gateway's answer ended without a result",
                 "see how far it came: `stowage status`"};
}

Result<Exit> conclude(const Console& console, const ResultEvent& result) {
    if (!console.json && !result.summary.empty())
        console.line(console.painted(result.ok ? Colour::bold : Colour::plain, shown(result.summary)));
    if (!result.ok && result.error) return *result.error;
    if (!result.ok) return Exit::failed;
    return result.converged ? Exit::done : Exit::pending;
}

}  // namespace stowage::cli
