// A chain of certificates as an owning handle, and OpenSSL's dates.
// Runs in: supervisor, CLI.
#pragma once

#include <chrono>
#include <optional>

#include "gateway/base/openssl_handles.hpp"

namespace stowage {

struct FreeChain {
    void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
using Chain = std::unique_ptr<STACK_OF(X509), FreeChain>;

/// Every PEM certificate of a text, in its order.
Chain certificates_in(std::string_view pem);

namespace openssl {
/// Nothing for a date that cannot be read, or none.
std::optional<std::chrono::system_clock::time_point> moment_of(const ASN1_TIME* time);
}  // namespace openssl

}  // namespace stowage
