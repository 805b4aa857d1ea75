// Why OpenSSL's last call on this thread failed.
// Runs in: worker.
#pragma once

#include <openssl/err.h>

#include <string>

namespace stowage::ftps {

/// The newest error in the thread's queue, which stays there.
inline std::string openssl_reason() {
    const auto* reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "no reason given";
}

}  // namespace stowage::ftps
