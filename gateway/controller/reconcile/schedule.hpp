// When labs are looked at again by themselves.
// Runs in: controller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

/// After a pass: reconcile_interval, give or take a tenth, for a lab that is ready; sooner, with backoff from
/// five seconds, for one that is not.
void plan_next_pass(Context& context, const std::string& lab, bool ready);

/// In [0, 1).
double random_fraction();

/// How long until the next pass. @param random in [0, 1)
std::chrono::milliseconds time_to_next_pass(std::chrono::seconds interval, unsigned failures, double random);

/// Goes on with what a restart cut off, then passes over each lab when it is due. Ends when draining.
boost::asio::awaitable<void> keep_labs(Context& context);

}  // namespace stowage::controller
