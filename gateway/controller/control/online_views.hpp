// Sessions and bans as JSON.
// Runs in: controller. Distrusts: what clients chose: names, paths and programs are any bytes.
#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "gateway/base/messages/controller.hpp"
#include "gateway/controller/reconcile/supervisor_link.hpp"

namespace stowage::controller {

/// {"sessions": […], "more": true when there are others behind the last one}
boost::json::object sessions_view(const SupervisorLink::Sessions& sessions);
boost::json::object bans_view(const std::vector<message::BanEntry>& bans);
}  // namespace stowage::controller
