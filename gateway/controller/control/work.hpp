// What admins ask for that takes a while: labs created, applied, verified, deleted.
// Runs in: controller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <memory>

#include "gateway/controller/control/event_stream.hpp"
#include "gateway/controller/control/requests.hpp"
#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

// Each checks what it can, writes down what is wanted, and begins. An Error means that nothing was changed.
// The work goes on whoever reads the stream.

boost::asio::awaitable<Result<std::shared_ptr<EventStream>>> create_lab(Context& context, LabRequest request);
/// Code::not_found for a lab that is not there.
boost::asio::awaitable<Result<std::shared_ptr<EventStream>>> set_lab(Context& context, LabRequest request);
/// With `purge` also what a lab of this name left that was deleted without its data.
boost::asio::awaitable<Result<std::shared_ptr<EventStream>>> delete_lab(Context& context, std::string lab,
                                                                        bool purge);
Result<std::shared_ptr<EventStream>> verify(Context& context, const std::string& lab);
/// What was applied last, once more.
Result<std::shared_ptr<EventStream>> apply_again(Context& context);
Result<std::shared_ptr<EventStream>> add_person(Context& context, PersonRequest request);
boost::asio::awaitable<Result<std::shared_ptr<EventStream>>> apply(Context& context, SiteRequest request);

/// The steps that apply() would take. Writes nothing.
boost::asio::awaitable<Result<boost::json::object>> plan_site(Context& context, SiteRequest request);

}  // namespace stowage::controller
