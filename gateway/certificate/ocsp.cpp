// OCSP responses: read and checked before they are stapled.
// Runs in: supervisor, CLI. Distrusts: what stands in the file.
#include <fmt/chrono.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "gateway/base/atomic_file.hpp"
#include "gateway/certificate/certificate.hpp"
#include "gateway/certificate/handles.hpp"

namespace stowage {

namespace {

using openssl::Deleter;
using Response = std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>>;
using BasicResponse = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;
using CertificateId = std::unique_ptr<OCSP_CERTID, Deleter<OCSP_CERTID_free>>;

constexpr long clock_skew_seconds = 300;

Error unusable(const std::string& path, std::string why) {
    return {Code::config, fmt::format("OCSP response {}: {}", path, why),
            "fetch a new one (openssl ocsp -respout), or leave ftps.ocsp_response empty"};
}

/// Signed by the certificate's issuer, or by a responder that the issuer made.
bool is_signed_by(OCSP_BASICRESP* response, X509* issuer, STACK_OF(X509) * chain) {
    const openssl::Store store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), issuer);
    X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);  // the issuer is mostly no root
    return OCSP_basic_verify(response, chain, store.get(), 0) == 1;
}

Result<std::chrono::system_clock::time_point> good_until(const std::string& path, OCSP_BASICRESP* response,
                                                         X509* certificate, X509* issuer) {
    const CertificateId id(OCSP_cert_to_id(nullptr, certificate, issuer));
    int status = 0;
    ASN1_GENERALIZEDTIME *from = nullptr, *until = nullptr;
    if (OCSP_resp_find_status(response, id.get(), &status, nullptr, nullptr, &from, &until) != 1)
        return unusable(path, "it is for another certificate");
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return unusable(path, std::string("it says that the certificate is ") + OCSP_cert_status_str(status));
    const auto end = openssl::moment_of(until);
    if (!end) return unusable(path, "it does not say how long it is good");
    if (OCSP_check_validity(from, until, clock_skew_seconds, -1) != 1)
        return unusable(path, fmt::format("it is not current (good until {:%Y-%m-%d %H:%M} UTC)", *end));
    return *end;
}

}  // namespace

Result<OcspResponse> load_ocsp_response(const std::string& path, std::string_view chain_pem) {
    TRY(auto der, read_file(path));
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    const Response response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der.size())));
    if (!response) return unusable(path, "it is no OCSP response (DER)");
    if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return unusable(path, std::string("the responder answered ") +
                                  OCSP_response_status_str(OCSP_response_status(response.get())));
    const BasicResponse basic(OCSP_response_get1_basic(response.get()));
    if (!basic) return unusable(path, "it is of an unknown kind");
    const auto chain = certificates_in(chain_pem);
    if (sk_X509_num(chain.get()) < 1) return unusable(path, "there is no certificate that it could be for");
    auto* certificate = sk_X509_value(chain.get(), 0);
    auto* issuer = sk_X509_num(chain.get()) > 1 ? sk_X509_value(chain.get(), 1) : certificate;
    if (X509_check_issued(issuer, certificate) != X509_V_OK)
        return unusable(
            path, "the issuer's certificate is missing: ftps.certificate must hold it behind the server's");
    TRY(const auto until, good_until(path, basic.get(), certificate, issuer));
    if (!is_signed_by(basic.get(), issuer, chain.get()))
        return unusable(path, "its signature is not of the certificate's issuer");
    return OcspResponse{std::move(der), until};
}

}  // namespace stowage
