// Which program listens on a TCP port of this machine.
// Runs in: supervisor, root_step, CLI.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace stowage {

/// "ganesha.nfsd (process 312)", for an error. None when nobody listens there, on whatever address, and when
/// it is no process that we may see: the kernel, or another user's while we are not root. Reads /proc and
/// changes nothing.
std::optional<std::string> port_holder(std::uint16_t port);

/// Whether anybody listens there, the kernel too, on whatever address of this network namespace.
bool is_listened_on(std::uint16_t port);

}  // namespace stowage
