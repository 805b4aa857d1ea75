// A certificate in words and as JSON.
// Runs in: CLI. Distrusts: the texts in it.
#pragma once

#include <boost/json/object.hpp>

#include "gateway/certificate/chain.hpp"
#include "gateway/cli/terminal.hpp"

namespace stowage::cli {

/// What the gateway serves: it publishes that beside its socket.
Result<CertificateFacts> served_certificate(const std::string& socket);
void print_certificate(const Console& console, const CertificateFacts& facts);
boost::json::object certificate_json(const CertificateFacts& facts);
/// "until 2027-01-31, self-signed": one line, with its colour from expiry_warning().
void print_certificate_line(const Console& console, const CertificateFacts& facts);

}  // namespace stowage::cli
