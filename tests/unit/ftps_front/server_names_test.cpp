// Which names and protocols we answer to.
#include "ftps/front/server_names.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "ftps/front/tls_context.hpp"

namespace stowage::ftps {
namespace {

using namespace std::string_literals;

using openssl::Certificate;
using openssl::Key;

Certificate certificate_for(const char* names, EVP_PKEY* key) {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key);
    const openssl::Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names));
    X509_add_ext(certificate.get(), extension.get(), -1);
    X509_sign(certificate.get(), key, EVP_sha256());
    return certificate;
}

// Taken out one by one (the dot in front, addresses in answers_to()): each fails.
TEST(ServerNames, AnswersToItsOwnAndToAddresses) {
    const Key key(EVP_EC_gen("P-256"));
    const auto certificate = certificate_for("DNS:storage.example,DNS:*.lab.example", key.get());
    EXPECT_TRUE(answers_to(certificate.get(), "storage.example"));
    EXPECT_TRUE(answers_to(certificate.get(), "STORAGE.example."));
    EXPECT_TRUE(answers_to(certificate.get(), "a.lab.example"));
    EXPECT_TRUE(answers_to(certificate.get(), "192.0.2.1"));
    EXPECT_TRUE(answers_to(certificate.get(), "2001:db8::1"));
    EXPECT_FALSE(answers_to(certificate.get(), "evil.example"));
    EXPECT_FALSE(answers_to(certificate.get(), "storage.example\0.evil.example"s));
    EXPECT_FALSE(answers_to(certificate.get(), ""));
    // To OpenSSL alone, every host of that domain.
    EXPECT_FALSE(answers_to(certificate.get(), ".example"));
    EXPECT_FALSE(answers_to(certificate.get(), "."));
}

TEST(ServerNames, HostIsWhatTheCertificateHolds) {
    const Key key(EVP_EC_gen("P-256"));
    const auto certificate = certificate_for("DNS:storage.example,IP:192.0.2.1", key.get());
    EXPECT_TRUE(is_host_of(certificate.get(), "storage.example"));
    EXPECT_TRUE(is_host_of(certificate.get(), "192.0.2.1"));
    EXPECT_FALSE(is_host_of(certificate.get(), "192.0.2.2"));
    EXPECT_FALSE(is_host_of(certificate.get(), "192.0.2.1\0"s));
    EXPECT_FALSE(is_host_of(certificate.get(), "bank.example"));
    EXPECT_FALSE(is_host_of(certificate.get(), ""));
}

// Taken out one by one (the lengths; x-filezilla-ftp is taken too): each fails.
TEST(Protocols, OnlyFtp) {
    EXPECT_EQ(choose_protocol("\x03"
                              "ftp"),
              "ftp");
    EXPECT_EQ(choose_protocol("\x0fx-filezilla-ftp\x03"
                              "ftp"),
              "ftp");
    EXPECT_EQ(choose_protocol("\x0fx-filezilla-ftp"), std::nullopt);
    EXPECT_EQ(choose_protocol("\x08http/1.1"), std::nullopt);
    EXPECT_EQ(choose_protocol("\x02h2\x08http/1.1"), std::nullopt);
    EXPECT_EQ(choose_protocol("\x09"
                              "ftp"),
              std::nullopt)
        << "a length beyond the list";
    EXPECT_EQ(choose_protocol("\0\x03"
                              "ftp"s),
              std::nullopt)
        << "an empty name";
    EXPECT_EQ(choose_protocol(""), std::nullopt);
}

std::string pem_of(EVP_PKEY* key, X509* certificate) {
    const auto text = openssl::memory();
    if (key) PEM_write_bio_PrivateKey(text.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    if (certificate) PEM_write_bio_X509(text.get(), certificate);
    return openssl::written(text);
}

TEST(ControlContext, RefusesWhatDoesNotFit) {
    const Key key(EVP_EC_gen("P-256")), other(EVP_EC_gen("P-256"));
    const auto certificate = certificate_for("DNS:storage.example", key.get());
    const auto chain = pem_of(nullptr, certificate.get());
    TicketKeys keys;
    EXPECT_TRUE(make_control_context(chain, pem_of(key.get(), nullptr), keys));
    EXPECT_TRUE(make_control_context(chain + chain, pem_of(key.get(), nullptr), keys));
    const auto mismatch = make_control_context(chain, pem_of(other.get(), nullptr), keys);
    ASSERT_FALSE(mismatch);
    EXPECT_EQ(mismatch.error().code, Code::config);
    EXPECT_NE(mismatch.error().what.find("does not belong"), std::string::npos);
    EXPECT_FALSE(make_control_context("", "", keys));
    EXPECT_FALSE(
        make_control_context(chain, "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n", keys));
}

}  // namespace
}  // namespace stowage::ftps
