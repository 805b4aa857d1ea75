// Certificates for tests: an authority and what it signs.
// Runs in: tests.
#include "tests/unit/runai/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace stowage::runai {
namespace {

struct Free {
    void operator()(X509* one) const { X509_free(one); }
    void operator()(EVP_PKEY* one) const { EVP_PKEY_free(one); }
    void operator()(X509_EXTENSION* one) const { X509_EXTENSION_free(one); }
    void operator()(FILE* one) const { std::fclose(one); }
};
using Certificate = std::unique_ptr<X509, Free>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Free>;

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Free> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
        throw std::runtime_error("X509_add_ext");
}

Certificate make(const char* name, EVP_PKEY* key, long begins, long ends) {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), begins);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ends);
    X509_set_pubkey(certificate.get(), key);
    auto* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1,
                               -1, 0);
    return certificate;
}

void write(const std::string& path, X509* certificate) {
    const std::unique_ptr<FILE, Free> file(std::fopen(path.c_str(), "we"));
    if (!file || PEM_write_X509(file.get(), certificate) != 1) throw std::runtime_error(path);
}

void write(const std::string& path, EVP_PKEY* key) {
    const std::unique_ptr<FILE, Free> file(std::fopen(path.c_str(), "we"));
    if (!file || PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw std::runtime_error(path);
}

}  // namespace

struct Authority::Key {
    PrivateKey key{EVP_EC_gen("P-256")};
    Certificate certificate;
};

Authority::Authority() : key_(new Key) {
    std::string pattern = std::filesystem::temp_directory_path() / "runai_test.XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    key_->certificate = make("test authority", key_->key.get(), -7200, 7200);
    auto* certificate = key_->certificate.get();
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(certificate, key_->key.get(), EVP_sha256());
    write(this->certificate(), certificate);
}

Authority::~Authority() {
    delete key_;
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

Authority::Files Authority::issue(const std::string& names, long begins, long ends) const {
    const PrivateKey key(EVP_EC_gen("P-256"));
    const auto certificate = make("runai", key.get(), begins, ends);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(key_->certificate.get()));
    extend(certificate.get(), key_->certificate.get(), NID_subject_alt_name, names);
    X509_sign(certificate.get(), key_->key.get(), EVP_sha256());
    Files files{directory_ + "/server.pem", directory_ + "/server.key"};
    write(files.certificate, certificate.get());
    write(files.key, key.get());
    return files;
}

}  // namespace stowage::runai
