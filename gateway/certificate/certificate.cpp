// Reading and checking the FTPS certificate.
// Runs in: supervisor, CLI. Distrusts: what stands in the files.
#include "gateway/certificate/certificate.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "gateway/base/atomic_file.hpp"
#include "gateway/certificate/handles.hpp"

namespace stowage {

namespace {

openssl::Certificate first_certificate(std::string_view chain_pem) {
    const auto bytes = openssl::reading(chain_pem);
    return openssl::Certificate(PEM_read_bio_X509(bytes.get(), nullptr, openssl::no_passphrase, nullptr));
}

openssl::Key private_key(std::string_view key_pem) {
    const auto bytes = openssl::reading(key_pem);
    return openssl::Key(PEM_read_bio_PrivateKey(bytes.get(), nullptr, openssl::no_passphrase, nullptr));
}

Result<void> check_key_mode(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        auto error = system_error(errno, "private key " + path);
        if (error.remedy.empty()) error.remedy = "name the file of the certificate's private key";
        return error;
    }
    if (info.st_mode & (S_IRWXO | S_IWGRP))
        return Error{
            Code::config,
            fmt::format("private key {} is open to others than its owner and a group that reads it", path),
            "chmod 0600 " + path};
    return {};
}

Result<std::chrono::system_clock::time_point> check_validity(const X509* certificate,
                                                             const CertificateFiles& files) {
    const auto& path = files.chain_path;
    const auto now = std::chrono::system_clock::now();
    const auto from = openssl::moment_of(X509_get0_notBefore(certificate));
    const auto until = openssl::moment_of(X509_get0_notAfter(certificate));
    if (!from || !until) return Error{Code::config, path + ": has an unreadable date", files.renewal};
    if (now >= *until)
        return Error{Code::config, fmt::format("certificate {} expired on {:%Y-%m-%d}", path, *until),
                     files.renewal};
    if (now < *from)
        return Error{Code::unavailable,  // of a machine without a clock of its own: NTP sets it right
                     fmt::format("certificate {} is not valid before {:%Y-%m-%d %H:%M} UTC", path, *from),
                     "check this machine's clock"};
    return *until;
}

Result<std::string> read_named(const std::string& path) {
    auto text = read_file(path);
    if (text || !text.error().remedy.empty()) return text;
    auto error = text.error();
    error.remedy =
        "name a file that is there; without ftps.certificate and ftps.private_key a self-signed one is made";
    return error;
}

Result<std::string> read_chain(const CertificateFiles& files) {
    TRY(auto text, read_named(files.chain_path));
    auto chain = certificates_alone(text, files.chain_path);
    explicit_bzero(text.data(), text.size());  // a private key may stand beside them
    if (chain) return chain;
    return Error{chain.error().code, chain.error().what, files.renewal};
}

/// The key of one further behind is that of a chain in the wrong order.
Error why_key_does_not_fit(std::string_view chain_pem, const EVP_PKEY* key, const CertificateFiles& files) {
    const auto bytes = openssl::reading(chain_pem);
    for (int position = 1; const openssl::Certificate next{
             PEM_read_bio_X509(bytes.get(), nullptr, openssl::no_passphrase, nullptr)};
         ++position)
        if (X509_check_private_key(next.get(), key) == 1)
            return {Code::config,
                    fmt::format("{} belongs to certificate {} in {}, and must to the first", files.key_path,
                                position, files.chain_path),
                    "put the server's certificate first, then its issuer's, and so on"};
    ERR_clear_error();
    return {Code::config, files.key_path + " does not belong to the certificate " + files.chain_path,
            "name the key that the certificate was made with"};
}

}  // namespace

CertificateFiles certificate_files(const Config& config) {
    const auto renewal = how_to_renew(config);
    if (!config.ftps.certificate.empty()) return {config.ftps.certificate, config.ftps.private_key, renewal};
    return {config.state_dir + "/tls/certificate.pem", config.state_dir + "/tls/private-key.pem",
            renewal + "; or remove both files for a new self-signed one"};
}

std::string how_to_renew(const Config& config) {
    return config.ftps.certificate.empty() ? "renew it, then: stowage tls install CERT KEY"
                                           : "renew it, then: systemctl reload-or-restart stowage";
}

bool key_fits(std::string_view chain_pem, std::string_view key_pem) {
    const auto certificate = first_certificate(chain_pem);
    const auto key = private_key(key_pem);
    return certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
}

std::string published_certificate(const std::string& run_dir) {
    return run_dir + "/certificate.pem";
}

Result<std::string> certificates_alone(std::string_view pem, const std::string& path) {
    const auto in = openssl::reading(pem), out = openssl::memory();
    ERR_clear_error();
    while (const openssl::Certificate next{
        PEM_read_bio_X509(in.get(), nullptr, openssl::no_passphrase, nullptr)})
        PEM_write_bio_X509(out.get(), next.get());
    const bool at_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    auto chain = openssl::written(out);
    if (chain.empty()) return Error{Code::config, path + " holds no PEM certificate", "name another one"};
    if (!at_the_end) return Error{Code::config, path + " holds a broken PEM certificate", "name another one"};
    return chain;
}

Result<LoadedCertificate> load_certificate(const CertificateFiles& files) {
    LoadedCertificate loaded;
    TRY(loaded.chain_pem, read_chain(files));
    CHECK(check_key_mode(files.key_path));
    TRY(auto key_text, read_named(files.key_path));
    loaded.key_pem = Secret(key_text);
    explicit_bzero(key_text.data(), key_text.size());

    const auto certificate = first_certificate(loaded.chain_pem);
    const auto key = private_key(loaded.key_pem.reveal());
    if (!key)
        return Error{Code::config,
                     files.key_path + " holds no private key that can be read without a passphrase",
                     "remove the passphrase with: openssl pkey"};
    if (X509_check_private_key(certificate.get(), key.get()) != 1)
        return why_key_does_not_fit(loaded.chain_pem, key.get(), files);
    TRY(loaded.not_after, check_validity(certificate.get(), files));
    return loaded;
}

}  // namespace stowage
