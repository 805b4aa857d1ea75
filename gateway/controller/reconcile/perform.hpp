// One step, done: over the supervisor, over NFS, or in Run:ai.
// Runs in: controller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "gateway/controller/plan/step.hpp"
#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

struct Performed {
    StepOutcome outcome = {};
    std::string detail = {};
};

/// Whether the step leaves something behind that a restart has to know of.
bool is_journaled(StepKind kind);

/// What has to be written down before it begins.
StepIntent intent_of(const Context& context, const Lab& lab, const Step& step);

/// Does it once. Idempotent: done again after a crash in its middle, it is done once.
boost::asio::awaitable<Result<Performed>> perform(Context& context, Lab lab, Step step);

}  // namespace stowage::controller
