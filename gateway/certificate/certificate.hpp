// The FTPS server's certificate and key: read, checked, or made at a first start.
// Runs in: supervisor (as root), CLI (`stowage check`). Distrusts: what stands in the files.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/base/secret.hpp"

namespace stowage {

struct CertificateFiles {
    std::string chain_path, key_path;
    /// The remedy when the certificate itself is no good any more.
    std::string renewal = "name another one";
};

/// The configured paths, or those of the gateway's own pair under state_dir.
CertificateFiles certificate_files(const Config& config);

/// What to do about a certificate that ends: files that the configuration names are not for `stowage tls
/// install`.
std::string how_to_renew(const Config& config);

/// Where the supervisor publishes the chain that it serves, for everybody to read.
std::string published_certificate(const std::string& run_dir);

/// The certificates of a PEM text, written anew: a private key that stands beside them, as HAProxy keeps both
/// in one file, and whatever else is left out. Code::config, naming `path`, where there is none, or a broken
/// one.
Result<std::string> certificates_alone(std::string_view pem, const std::string& path);

struct LoadedCertificate {
    std::string chain_pem;  ///< certificates alone: it is published for everybody to read
    Secret key_pem;
    std::chrono::system_clock::time_point not_after;
};

/// Whether a key is that of a chain's first certificate; false if either cannot be read.
bool key_fits(std::string_view chain_pem, std::string_view key_pem);

/// Reads both files and checks them: parseable, key belongs to the first certificate, not expired, not yet
/// valid, key for nobody but its owner and, to read it, its group. Code::config naming the file, the fact and
/// the remedy; Code::not_found without file; Code::unavailable before it is valid.
Result<LoadedCertificate> load_certificate(const CertificateFiles& files);

struct OcspResponse {
    std::string der;
    std::chrono::system_clock::time_point until{};  ///< nextUpdate
};

/// Reads an OCSP response (RFC 6960, DER) and checks that it says of the chain's first certificate that it is
/// good, now, signed by that certificate's issuer, the second of the chain. Code::config with what is wrong.
Result<OcspResponse> load_ocsp_response(const std::string& path, std::string_view chain_pem);

/// Makes an ECDSA P-256 key and a certificate for `names` (host names and IP addresses), valid for 825 days,
/// at `files` (key 0600). Key first, then certificate, each by rename: after a crash between them the
/// certificate is missing, and the next start makes both anew. A pair that was there stays beside it, each
/// file with `.old` behind its name, also when the making was cut off and done again.
Result<void> make_self_signed(const CertificateFiles& files, const std::vector<std::string>& names);

/// Whether make_self_signed() may be called: one of the files is not there, or the certificate is one that it
/// made and that has expired. Clients may have pinned it, so nothing else that is wrong with it is a reason.
bool may_be_made(const CertificateFiles& files);

/// This host's names and addresses, for a self-signed certificate.
std::vector<std::string> host_names();

}  // namespace stowage
