// The events of long work, as the control API streams them.
// Runs in: CLI. Distrusts: the shape and the text of every line.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/base/result.hpp"

namespace stowage::cli {

enum class StepState { start, done, failed, unchanged, retry };

/// One step of one lab begins or ends.
struct StepEvent {
    std::string lab, step, title, detail;
    StepState state = StepState::start;
    std::optional<std::uint64_t> ms = {};
    std::optional<Error> error = {};
};

/// The last event of a stream.
struct ResultEvent {
    bool ok = false;         ///< nothing failed
    bool converged = false;  ///< everything is as asked; false also while something is retried later
    std::string summary;
    std::optional<Error> error = {};
    boost::json::object body = {};  ///< with "labs" and "users"
};

/// An event of a newer gateway: shown as JSON, else passed over.
struct OtherEvent {};

using Event = std::variant<StepEvent, ResultEvent, OtherEvent>;

/// Code::protocol when the line is no JSON object, has no "event" or a step without a known state.
Result<Event> parse_event(std::string_view line);

}  // namespace stowage::cli
