// Whom TLS trusts, and words for when it does not.
// Runs in: controller. Distrusts: certificates.
#include "provisioning/runai/trust.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "gateway/base/log.hpp"
#include "provisioning/runai/settings_check.hpp"

namespace stowage::runai {

Result<void> set_trust(boost::asio::ssl::context& context, const std::string& ca_bundle, bool skip_verify) {
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    context.set_verify_mode(skip_verify ? boost::asio::ssl::verify_none : boost::asio::ssl::verify_peer);
    if (skip_verify) return {};
    return trust_ca_bundle(context.native_handle(), ca_bundle);
}

Result<void> name_host(SSL* ssl, const BaseUrl& base) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool named = base.host_is_address
                           ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), base.host.c_str()) == 1
                           : SSL_set1_host(ssl, base.host.c_str()) == 1 &&
                                 SSL_set_tlsext_host_name(ssl, base.host.c_str()) == 1;
    if (!named) return Error{Code::internal, "OpenSSL refuses the host name " + log::escaped(base.host)};
    return {};
}

std::optional<Error> certificate_refusal(SSL* ssl, const BaseUrl& base) {
    const long verdict = SSL_get_verify_result(ssl);
    if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE || verdict == X509_V_OK) return std::nullopt;
    return Error{Code::denied,
                 fmt::format("the certificate of {} is refused: {}", log::escaped(base.host_header),
                             X509_verify_cert_error_string(verdict)),
                 "give runai.ca_bundle the authority that signed it, and runai.url the name that it is for"};
}

}  // namespace stowage::runai
