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

/// Before anything looks at the lab, whose filesystem may hang, by the export's file and the NFS server
/// alone: publish_export shuts out who is no client any more, withdraw_export everybody. The step of that
/// name does the rest after the look; what fails here is in the log, and fails there again.
/// @returns of publish_export: whether anybody was shut out
boost::asio::awaitable<Result<bool>> shut_out(Context& context, Lab lab, message::Step step);

}  // namespace stowage::controller
