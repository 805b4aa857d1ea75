// What doctor finds: in Run:ai, and in the labs of this gateway.
// Runs in: controller. Distrusts: Run:ai.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

/// {"findings": [{severity, check, what, why, fix, ours}]}
boost::asio::awaitable<boost::json::object> doctor_view(Context& context);

}  // namespace stowage::controller
