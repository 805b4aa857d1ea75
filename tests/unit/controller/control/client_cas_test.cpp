// Bundles of CAs for client certificates: what is kept of them, and what is refused.
// Runs in: unit tests.
#include "gateway/controller/control/client_cas.hpp"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "gateway/base/client_ca_limits.hpp"
#include "gateway/base/openssl_handles.hpp"

namespace stowage::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Made {
    std::string certificate, key;
};

Made make(const std::string& name, const char* constraints, long valid_seconds = 3600) {
    const openssl::Key key(EVP_EC_gen("P-256"));
    const openssl::Certificate certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_seconds);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    const openssl::Extension extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, constraints));
    X509_add_ext(certificate.get(), extension.get(), -1);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    const auto certificate_text = openssl::memory(), key_text = openssl::memory();
    PEM_write_bio_X509(certificate_text.get(), certificate.get());
    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {openssl::written(certificate_text), openssl::written(key_text)};
}

std::string refusal(const std::string& bundle) {
    const auto checked = check_client_cas(bundle);
    if (checked) return "taken";
    EXPECT_EQ(checked.error().code, Code::invalid);
    EXPECT_FALSE(checked.error().remedy.empty());
    return checked.error().what;
}

TEST(ClientCas, CertificatesAreKeptAndNothingElse) {
    const auto one = make("one", "critical,CA:TRUE"), two = make("two", "critical,CA:TRUE");
    EXPECT_EQ(or_throw(check_client_cas(one.certificate)), one.certificate);
    const auto kept = or_throw(
        check_client_cas("# a comment\n" + one.certificate + one.key + "\n\n" + two.certificate + "# end\n"));
    EXPECT_EQ(kept, one.certificate + two.certificate);
    EXPECT_THAT(kept, Not(HasSubstr("PRIVATE KEY")));
}

TEST(ClientCas, WhatSignsNoCertificatesIsRefused) {
    const auto ca = make("ca", "critical,CA:TRUE"), leaf = make("alice", "critical,CA:FALSE"),
               old = make("old", "critical,CA:TRUE", -60);
    EXPECT_EQ(refusal(leaf.certificate), "CN=alice is no CA");
    EXPECT_EQ(refusal(ca.certificate + leaf.certificate), "CN=alice is no CA");
    EXPECT_EQ(refusal(old.certificate), "CN=old has expired");
    for (const auto& bad : {std::string("x"), ca.key, ca.certificate.substr(0, ca.certificate.size() / 2),
                            ca.certificate + ca.certificate.substr(0, ca.certificate.size() / 2)})
        EXPECT_EQ(refusal(bad), "holds no PEM certificates, or a broken one");
}

// Mozilla's whole list has 150 CAs.
TEST(ClientCas, ManyAreKeptUpToALimit) {
    const auto one = make("some authority with a name of usual length", "critical,CA:TRUE").certificate;
    std::string many;
    while (many.size() + one.size() <= most_client_ca_bytes)
        many += one;
    EXPECT_GT(many.size(), 100'000u);
    EXPECT_EQ(or_throw(check_client_cas(many)), many);
    EXPECT_THAT(refusal(many + one), HasSubstr(" certificates with "));
}

}  // namespace
}  // namespace stowage::controller
