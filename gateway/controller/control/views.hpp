// Labs, users, plans and events as JSON.
// Runs in: controller.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/reconcile/report.hpp"

namespace stowage::controller {

boost::json::object error_view(const Error& error);
/// {"error":{…}}, as refusals are answered.
std::string refusal_text(const Error& error);

/// The lab with what was last seen of it.
boost::json::object lab_view(const Context& context, const Lab& lab);
boost::json::array labs_view(const Context& context);
boost::json::object user_view(const Account& account);
/// Active users; all labs when `lab` is empty.
boost::json::array users_view(const Context& context, const std::string& lab);
boost::json::object step_view(const Step& step);
boost::json::object process_view(const message::StatusEntry& entry);
boost::json::object runai_view(const Context& context);
boost::json::object nfs_view(const Context& context);

/// One line of a stream, newline included.
std::string step_line(const StepReport& report);

}  // namespace stowage::controller
