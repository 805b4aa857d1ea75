// Following long work of the gateway to its result.
// Runs in: CLI. Distrusts: the stream.
#pragma once

#include "gateway/cli/commands.hpp"
#include "gateway/cli/events.hpp"

namespace stowage::cli {

/// Sends the request and shows its steps as they come (as NDJSON with --json). Code::protocol when the stream
/// ends without a result; else the errors of ControlClient::follow().
Result<ResultEvent> follow_steps(Context& context, const ControlRequest& request);

/// Prints the summary. Done when converged, pending when not, the result's error or failed when something
/// failed.
Result<Exit> conclude(const Console& console, const ResultEvent& result);

}  // namespace stowage::cli
