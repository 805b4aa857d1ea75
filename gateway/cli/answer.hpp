// Plain JSON answers of the control API.
// Runs in: CLI. Distrusts: the answer's shape.
#pragma once

#include <boost/json/object.hpp>

#include "gateway/cli/commands.hpp"

namespace stowage::cli {

/// Fetches a JSON object; Code::protocol when the answer is none.
Result<boost::json::object> fetch_object(Context& context, const ControlRequest& request);

/// Writes an object as one line, safe for terminals.
void print_json(const Console& console, const boost::json::object& object);

/// The JSON text of a request's body.
Secret body_of(const boost::json::object& object);

}  // namespace stowage::cli
