// Commands without a data connection that may take minutes: hashes, copies, joins.
// Runs in: worker.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

#include "ftps/worker/session.hpp"

namespace stowage::ftps {

struct LongCommand {
    std::string verb;
    std::string path;     ///< for the log and for STAT
    int code = 250;       ///< of the reply when it is done
    bool changes = true;  ///< something in the lab; otherwise its line in the log is one of many
    /// On a thread of its own; its result is the text of the reply. Counts what it has done in bytes, and
    /// ends when it finds itself aborted.
    std::function<Result<std::string>(Transfer&)> work = {};
};

/// Sends every reply itself: 450 when too many run in the lab, 426 after ABOR, else the command's or the
/// table's. ABOR ends it, STAT tells how far it is, other sessions go on.
/// A client that only waits gets a line "250-…" every ten seconds (draft-bryan-ftpext-hash §3), so that
/// neither it nor a NAT takes us for dead. A failure behind such lines has its own code nevertheless, and
/// ends the session: clients that know a reply by its last line (lftp, curl) read why, those that wait for
/// the code it began with (ftplib, FileZilla) find the end. NOOP and STAT that came while the command was
/// being prepared are answered as it begins.
boost::asio::awaitable<void> run_long_command(Session& session, LongCommand command);

// session_reader.cpp
/// What waits in line and can be answered while a command runs.
void answer_waiting(Session& session);

}  // namespace stowage::ftps
