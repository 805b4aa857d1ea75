// The server's certificate, its key and its OCSP response: read at start and by a reload, handed to whoever
// ends TLS. Runs in: supervisor.
#pragma once

#include "gateway/base/channel.hpp"
#include "gateway/supervisor/context.hpp"

namespace stowage::supervisor {

/// Reads and checks the files that the configuration names, and makes the self-signed pair where it names
/// none. After an error everything is as it was. An OCSP response that cannot be used is left out, with a
/// warning in the log: the service must not end because one was not renewed in time.
/// The chain in use is published as published_certificate() of run_dir.
Result<void> read_tls_identity(Context& context);

/// A warning in the log from 30 days before the certificate's end on.
void warn_of_expiry(const Context& context);

/// To a worker: certificate and key.
Result<void> send_certificate(const Context& context, ipc::Channel& channel);
/// To the front: the OCSP response too, and whether clients are to be asked for certificates.
Result<void> send_control_certificate(const Context& context, ipc::Channel& channel);

}  // namespace stowage::supervisor
