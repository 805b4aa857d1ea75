// Reading and writing PEM through OpenSSL.
// Runs in: controller. Distrusts: the bundle.
#include "gateway/controller/control/client_cas.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "gateway/base/messages.hpp"

namespace stowage::controller {

namespace {

constexpr std::size_t most_bytes = sizeof(message::ClientCas::bytes);

struct Deleter {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
};
using Bio = std::unique_ptr<BIO, Deleter>;
using Certificate = std::unique_ptr<X509, Deleter>;

std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string subject_of(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    return text_of(bio.get());
}

// An encrypted key in the bundle would make OpenSSL ask on the terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
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
    const Bio in(BIO_new_mem_buf(bundle.data(), static_cast<int>(bundle.size()))), out(BIO_new(BIO_s_mem()));
    int count = 0;
    while (const Certificate next{PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr)}) {
        CHECK(check(next.get()));
        PEM_write_bio_X509(out.get(), next.get());
        ++count;
    }
    const bool at_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (count == 0 || !at_the_end)
        return Error{Code::invalid, "holds no PEM certificates, or a broken one",
                     "give a file with -----BEGIN CERTIFICATE-----"};
    auto text = text_of(out.get());
    if (text.size() > most_bytes)
        return Error{
            Code::invalid, fmt::format("{} certificates with {} bytes are too many", count, text.size()),
            fmt::format("leave out those that sign no client certificates; {} bytes are kept", most_bytes)};
    return text;
}

}  // namespace stowage::controller
