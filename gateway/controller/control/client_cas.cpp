// Reading and writing PEM through OpenSSL.
// Runs in: controller. Distrusts: the bundle.
#include "gateway/controller/control/client_cas.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "gateway/base/client_ca_limits.hpp"
#include "gateway/base/openssl_handles.hpp"

namespace stowage::controller {

namespace {

std::string subject_of(X509* certificate) {
    const auto text = openssl::memory();
    X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    return openssl::written(text);
}

Result<void> check(X509* certificate) {
    const auto name = subject_of(certificate);
    if (X509_check_ca(certificate) == 0)
        return Error{Code::invalid, fmt::format("{} is no CA", name),
                     "give the certificate that the clients' certificates are signed with"};
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return Error{Code::invalid, fmt::format("{} has expired", name), "give its successor"};
    return {};
}

}  // namespace

Result<std::string> check_client_cas(std::string_view bundle) {
    const auto in = openssl::reading(bundle), out = openssl::memory();
    int count = 0;
    while (const openssl::Certificate next{
        PEM_read_bio_X509(in.get(), nullptr, openssl::no_passphrase, nullptr)}) {
        CHECK(check(next.get()));
        PEM_write_bio_X509(out.get(), next.get());
        ++count;
    }
    const bool at_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (count == 0 || !at_the_end)
        return Error{Code::invalid, "holds no PEM certificates, or a broken one",
                     "give a file with -----BEGIN CERTIFICATE-----"};
    auto text = openssl::written(out);
    if (text.size() > most_client_ca_bytes)
        return Error{Code::invalid,
                     fmt::format("{} certificates with {} bytes are too many", count, text.size()),
                     fmt::format("leave out those that sign no client certificates; {} bytes are kept",
                                 most_client_ca_bytes)};
    return text;
}

}  // namespace stowage::controller
