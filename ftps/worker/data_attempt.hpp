// A data command on its thread: preparation, connection, handshake, work, all without the event loop.
// Runs in: worker, on the transfer threads. Distrusts: who connects first.
#pragma once

#include <memory>
#include <string>

#include "ftps/worker/data_command.hpp"

namespace stowage::ftps {

/// What the thread needs. The session waits for it, and lives as long.
struct DataAttempt {
    Session& session;
    DataCommand command;
    std::shared_ptr<Transfer> transfer;
    std::shared_ptr<DataDoor> door;
    std::shared_ptr<TlsContext> context;
    LiveSessions::Asker asker;
    std::chrono::milliseconds timeout;
    TransferPlace& place;
};

struct AttemptEnd {
    AttemptEnd() = default;

    Result<void> result = Error{Code::cancelled, "the transfer was aborted"};
    bool was_prepared = false;
    int code = 0;         ///< of the reply, where it is not the table's
    std::string version;  ///< of TLS, once it was accepted
    Fd unfinished;        ///< the connection of an upload that found no room
};

/// Blocks. Says the 150 when it is time, and 226 at the end, but no other reply. A connection that is refused
/// leaves room for the right one.
Result<AttemptEnd> perform(DataAttempt& attempt);

}  // namespace stowage::ftps
