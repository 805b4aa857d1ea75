// Whom TLS trusts, and words for when it does not.
// Runs in: controller. Distrusts: certificates.
#pragma once

#include <openssl/types.h>

#include <boost/asio/ssl/context.hpp>
#include <optional>
#include <string>

#include "gateway/base/result.hpp"
#include "provisioning/runai/base_url.hpp"

namespace stowage::runai {

/// TLS 1.2 and above; peers verified against `ca_bundle` (PEM), or the system's store when it is empty,
/// unless `skip_verify`. Code::config for a bundle that cannot be used.
Result<void> set_trust(boost::asio::ssl::context& context, const std::string& ca_bundle, bool skip_verify);

/// Says before the handshake whom the certificate must name, and for a host name sends it (SNI, RFC 6066).
Result<void> name_host(SSL* ssl, const BaseUrl& base);

/// After a failed handshake: the reason if it was the certificate.
std::optional<Error> certificate_refusal(SSL* ssl, const BaseUrl& base);

}  // namespace stowage::runai
