// One NDJSON line into an Event.
// Runs in: CLI.
#include "gateway/cli/events.hpp"

#include <array>
#include <boost/json.hpp>

#include "gateway/cli/gateway_error.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

namespace {

Error not_an_event(std::string_view line) {
    return {
        Code::protocol, "the gateway sent what is not an event: " + std::string(line.substr(0, 120)),
        "gateway and command line may be of different versions: see `stowage version` and `stowage status`"};
}

std::optional<StepState> state_of(std::string_view word) {
    static constexpr std::array<std::pair<std::string_view, StepState>, 5> words = {{
        {"start", StepState::start},
        {"done", StepState::done},
        {"failed", StepState::failed},
        {"unchanged", StepState::unchanged},
        {"retry", StepState::retry},
    }};
    for (const auto& [name, state] : words)
        if (name == word) return state;
    return std::nullopt;
}

std::optional<Error> error_in(const boost::json::object& object) {
    if (const auto* error = object_of(object, "error")) return error_from(*error);
    return std::nullopt;
}

StepEvent step_event(const boost::json::object& object, StepState state) {
    StepEvent event{.lab = text_of(object, "lab"),
                    .step = text_of(object, "step"),
                    .title = text_of(object, "title"),
                    .detail = text_of(object, "detail"),
                    .state = state};
    if (event.title.empty()) event.title = event.step;
    if (object.contains("ms")) event.ms = number_of(object, "ms");
    event.error = error_in(object);
    return event;
}

}  // namespace

Result<Event> parse_event(std::string_view line) {
    boost::system::error_code error;
    auto value = boost::json::parse(line, error);
    if (error || !value.is_object()) return not_an_event(line);
    auto& object = value.as_object();
    const auto kind = text_of(object, "event");
    if (kind.empty()) return not_an_event(line);
    if (kind == "result")
        return ResultEvent{.ok = flag_of(object, "ok"),
                           .converged = flag_of(object, "converged"),
                           .summary = text_of(object, "summary"),
                           .error = error_in(object),
                           .body = object};
    if (kind != "step") return OtherEvent{};
    const auto state = state_of(text_of(object, "state"));
    if (!state) return not_an_event(line);
    return step_event(object, *state);
}

}  // namespace stowage::cli
