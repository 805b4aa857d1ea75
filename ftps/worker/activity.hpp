// What sessions are doing: for `stowage sessions`, and for the log of what was refused.
// Runs in: worker. Distrusts: the client's words, which are passed on as bytes and escaped where they are
// shown.
#pragma once

#include <string_view>

#include "gateway/base/ipc.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

struct Session;
struct Worker;

void begin_activity(Session& session, std::string_view verb, std::string_view argument);
void end_activity(Session& session);

/// Answers the supervisor. Throws Fatal when the packet is not what it says to be.
void tell_activity(Worker& worker, const ipc::Packet& packet);
/// An administrator's wish: after what runs, which is ended if it is a transfer, the session says goodbye.
void end_by_order(Worker& worker, const ipc::Packet& packet);

/// One line: quotas, permissions and defects where an administrator sees them, what clients merely ask about
/// (a file that is not there) at the debug level.
void log_refusal(const Session& session, int code, const Error& error);

}  // namespace stowage::ftps
