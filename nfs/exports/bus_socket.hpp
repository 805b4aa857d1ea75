// The private bus's Unix socket, seen from the side that connects.
// Runs in: root_step, the Ganesha launcher.
#pragma once

#include <chrono>
#include <string>

#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::nfs {

/// Connects as soon as somebody listens on `socket`, watching its folder with inotify(7) meanwhile. The
/// listener must bind under another name and rename it, so that one event tells all. Code::unavailable after
/// the deadline.
Result<Fd> connect_when_listening(const std::string& socket, std::chrono::steady_clock::time_point deadline);

/// Binds a listening socket (0600) at `path`, replacing whatever is there, by rename.
Result<Fd> listen_at(const std::string& path);

}  // namespace stowage::nfs
