// One run of root_step.
// Runs in: supervisor.
#pragma once

#include <functional>

#include "gateway/base/messages/steps.hpp"
#include "gateway/supervisor/context.hpp"
#include "gateway/supervisor/process.hpp"

namespace stowage::supervisor {

/// What comes before the reply of a step that lists something.
using OnEntry = std::function<void(const message::NfsClientEntry& entry)>;

/// Does one admitted step in a fresh stowage-root-step, and logs it. A step that does not end in time (three
/// minutes; a day for deleting data) is killed and answered with Code::timeout: it may have happened.
boost::asio::awaitable<message::StepReply> run_step(const Context& context, message::StepRequest request,
                                                    OnEntry on_entry = {});

}  // namespace stowage::supervisor
