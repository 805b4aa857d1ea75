// The refusals in the gateway's answers.
// Runs in: CLI. Distrusts: the answer's shape.
#pragma once

#include <boost/json/fwd.hpp>

#include "gateway/base/result.hpp"

namespace stowage::cli {

/// {"code":…, "what":…, "remedy":…} of the control API. An unknown code word is Code::internal.
Error error_from(const boost::json::object& error);

/// The error of a refused request: its body's "error" object, or words made of the HTTP status if there is
/// none.
Error refusal(unsigned status, std::string_view body);

}  // namespace stowage::cli
