// What a certificate chain says, and whether it is fit to be installed.
// Runs in: supervisor, CLI. Distrusts: what stands in the files.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/certificate/certificate.hpp"

namespace stowage {

struct CertificateFacts {
    std::string subject, issuer, key;
    std::vector<std::string> names;  ///< host names and addresses of subjectAltName
    std::chrono::system_clock::time_point not_before{}, not_after{};
    std::string sha256;  ///< fingerprint, AA:BB:…
    bool self_signed = false;
};

/// Of the first certificate in a PEM text. Code::invalid when there is none.
Result<CertificateFacts> describe_certificate(std::string_view chain_pem);

/// "expires on 2027-01-31, in 12 days" or "expired on 2026-01-31"; empty while there are more than 30 days.
std::string expiry_warning(std::chrono::system_clock::time_point not_after);

/// True if the file's first certificate is not a self-signed one: no first start made it.
bool is_issued_by_another(const std::string& chain_path);

/// What load_certificate() does not look at: each certificate is signed by the one behind it and current, the
/// first is for TLS servers, names at least one host, covers each of `names`, and none is too weak for
/// OpenSSL's security level 2. Without `names` it must cover one of this host's. Code::config with what is
/// wrong.
Result<void> check_chain(std::string_view chain_pem, const std::vector<std::string>& names);

/// True for one certificate alone that another one issued: clients that do not know its issuer by themselves,
/// as with most public CAs, refuse it.
bool lacks_issuers(std::string_view chain_pem);

/// Puts both files into the folder of the gateway's own pair in one step: a folder beside it, then an
/// exchange of both names. What was there is gone afterwards. Code::unsupported where the filesystem cannot
/// exchange.
Result<void> install_pair(const CertificateFiles& own, const LoadedCertificate& fresh);

}  // namespace stowage
