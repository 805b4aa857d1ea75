// From a request to what is done about it: the one table of the control API.
// Runs in: controller. Distrusts: method, target and body.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <variant>

#include "gateway/controller/control/event_stream.hpp"
#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

struct ControlRequest {
    std::string method, target, body;
};

/// A whole answer, JSON but for the database's.
struct PlainAnswer {
    unsigned status = 200;
    std::string body;
    const char* type = "application/json";
};

/// NDJSON, as it happens.
using StreamedAnswer = std::shared_ptr<EventStream>;

using ControlAnswer = std::variant<PlainAnswer, StreamedAnswer>;

/// Never throws for what was asked; a lost database throws.
boost::asio::awaitable<ControlAnswer> answer(Context& context, ControlRequest request);

/// {"error":…} with the HTTP status of its code.
PlainAnswer refusal_of(const Error& error);

}  // namespace stowage::controller
