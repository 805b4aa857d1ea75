// The coroutine of a session that reads commands, while the other one does them.
// Runs in: worker. Distrusts: commands that come while another is being done.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "ftps/worker/session.hpp"

namespace stowage::ftps {

/// Until the control connection is gone. A client may send 64 commands ahead, then it has to wait; but while
/// a data command or a long command runs, all is read, for ABOR and the end may come behind any number of
/// others. What takes more memory than any client needs ends the session. Answers NOOP and STAT while such a
/// command runs.
boost::asio::awaitable<void> read_commands(Session& session);

}  // namespace stowage::ftps
