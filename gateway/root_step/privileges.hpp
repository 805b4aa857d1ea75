// The capabilities of each step.
// Runs in: root_step.
#pragma once

#include "gateway/base/messages/steps.hpp"
#include "gateway/base/result.hpp"

namespace stowage::root_step {

/// Drops every capability that the step has no use for, from the bounding set too, and sets no_new_privs. The
/// uid stays 0: what it opens is root's. Code::internal if something cannot be dropped.
Result<void> keep_only_what_it_needs(message::Step step);

}  // namespace stowage::root_step
