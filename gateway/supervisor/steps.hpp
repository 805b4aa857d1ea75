// Runs of root_step.
// Runs in: supervisor.
#pragma once

#include <functional>

#include "gateway/base/messages/steps.hpp"
#include "gateway/supervisor/context.hpp"
#include "gateway/supervisor/process.hpp"

namespace stowage::supervisor {

/// What comes before the reply of a step that lists something.
using OnEntry = std::function<void(const message::NfsClientEntry& entry)>;

/// A fresh stowage-root-step that has been asked nothing yet.
Result<std::unique_ptr<Process>> start_root_step(const Context& context);

/// Has it do one admitted step. Code::timeout when it did not end in time (three minutes; a day for deleting
/// data): the process is killed then, and the step may have happened. Code::cancelled when the process ended.
/// @param is_first the first that this process is asked: the configuration goes with it
boost::asio::awaitable<Result<message::StepReply>> ask_root_step(const Context& context, Process& process,
                                                                 const message::StepRequest& request,
                                                                 bool is_first, const OnEntry& on_entry);

/// What a step is answered that could not be done.
message::StepReply refusal(const Error& error);
Error ended_silently(const Ending& ending);
/// Looks that succeeded are told at level debug only.
void log_step(const message::StepRequest& request, const message::StepReply& reply,
              std::chrono::steady_clock::time_point started);

/// Does one admitted step in a fresh stowage-root-step, and logs it. A step that does not end in time is
/// killed and answered with Code::timeout: it may have happened.
boost::asio::awaitable<message::StepReply> run_step(Context& context, message::StepRequest request,
                                                    OnEntry on_entry = {});

/// Kills what set_quota of the lab is under way: done again it is done once, and it may read a tree for a
/// day. Whoever asked for it is answered with Code::cancelled; the lab's lock is free once the process is
/// gone.
void stop_set_quota(Context& context, std::string_view lab);

}  // namespace stowage::supervisor
