// What nfs.security, nfs.transport_security and nfs.v3 demand of a server.
// Runs in: supervisor, root_step, CLI.
#pragma once

#include "nfs/exports/server_choice.hpp"

namespace stowage::nfs {

/// Whether the kernel's server can do what is configured. Code::unsupported with what is missing and the
/// remedy. Pure.
Result<void> kernel_can(const Config& config, const MachineFacts& facts);
/// kernel_can() of NFS-Ganesha as stowage runs it: NFSv4 with sec=sys, nothing else.
Result<void> ganesha_can(const Config& config);

/// True for releases from 6.4 on, "6.12.3-amd64".
bool release_has_rpc_tls(std::string_view release);

}  // namespace stowage::nfs
