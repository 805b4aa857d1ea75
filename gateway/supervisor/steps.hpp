// One run of root_step.
// Runs in: supervisor.
#pragma once

#include "gateway/supervisor/context.hpp"
#include "gateway/supervisor/process.hpp"

namespace stowage::supervisor {

/// Does one admitted step in a fresh stowage-root-step, and logs it. A step that does not end in time (three
/// minutes; a day for deleting data) is killed and answered with Code::timeout: it may have happened.
boost::asio::awaitable<message::StepReply> run_step(const Context& context, message::StepRequest request);

}  // namespace stowage::supervisor
