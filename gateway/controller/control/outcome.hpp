// What came of a request that took a while, and how it is told: the last line of its stream.
// Runs in: controller.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "gateway/controller/control/event_stream.hpp"
#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/reconcile/lab_run.hpp"
#include "gateway/controller/site/site_runner.hpp"

namespace stowage::controller {

/// What came of one request, gathered from its labs and users.
struct Outcome {
    std::vector<LabResult> labs = {};
    std::vector<Account> users = {};
    std::optional<Error> user_error = {};
    std::optional<SiteOutcome> site = {};
    std::size_t users_gone = 0;  ///< with their lab
    bool goes_on = true;         ///< what failed for now is tried again by itself
};

/// Tells it and ends the stream.
void finish(Context& context, const std::shared_ptr<EventStream>& stream, const Outcome& outcome);

}  // namespace stowage::controller
