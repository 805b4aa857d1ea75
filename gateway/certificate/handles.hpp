// A chain of certificates as an owning handle.
// Runs in: supervisor, CLI.
#pragma once

#include "gateway/base/openssl_handles.hpp"

namespace stowage {

struct FreeChain {
    void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
using Chain = std::unique_ptr<STACK_OF(X509), FreeChain>;

/// Every PEM certificate of a text, in its order.
Chain certificates_in(std::string_view pem);

}  // namespace stowage
