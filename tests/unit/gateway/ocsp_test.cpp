// Only what says now, of this certificate, by its issuer's word, that it is good is stapled: anything else
// would make clients refuse a certificate that is good, or take one that is not. Runs in: tests only.
#include <gtest/gtest.h>
#include <openssl/ocsp.h>
#include <stdlib.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "gateway/certificate/certificate.hpp"
#include "tests/unit/ftps_front/handshake.hpp"

namespace stowage {
namespace {

using ftps::handshake::Identity;
using ftps::handshake::identity;
using Response = std::unique_ptr<OCSP_RESPONSE, openssl::Deleter<OCSP_RESPONSE_free>>;
using BasicResponse = std::unique_ptr<OCSP_BASICRESP, openssl::Deleter<OCSP_BASICRESP_free>>;
using Time = std::unique_ptr<ASN1_TIME, openssl::Deleter<ASN1_TIME_free>>;

constexpr long hour = 3600;

/// What a responder says.
struct Said {
    const Identity& of;
    const Identity& signer;
    int status = V_OCSP_CERTSTATUS_GOOD;
    long from = -hour, until = hour;  ///< seconds from now
    bool has_end = true;
    int answer = OCSP_RESPONSE_STATUS_SUCCESSFUL;
};

class OcspTest : public testing::Test {
  protected:
    OcspTest() : folder_(::mkdtemp(pattern_)) {}
    ~OcspTest() override { std::filesystem::remove_all(folder_); }

    std::string der_of(const Said& said) const {
        const BasicResponse basic(OCSP_BASICRESP_new());
        auto* id = OCSP_cert_to_id(nullptr, said.of.certificate.get(), issuer_.certificate.get());
        const auto now = std::time(nullptr);
        const Time from(ASN1_TIME_adj(nullptr, now, 0, said.from)),
            revoked(ASN1_TIME_adj(nullptr, now, 0, -hour));
        const Time until(said.has_end ? ASN1_TIME_adj(nullptr, now, 0, said.until) : nullptr);
        const bool is_revoked = said.status == V_OCSP_CERTSTATUS_REVOKED;
        EXPECT_TRUE(OCSP_basic_add1_status(basic.get(), id, said.status, 0,
                                           is_revoked ? revoked.get() : nullptr, from.get(), until.get()));
        OCSP_CERTID_free(id);
        EXPECT_EQ(OCSP_basic_sign(basic.get(), said.signer.certificate.get(), said.signer.key.get(),
                                  EVP_sha256(), nullptr, 0),
                  1);
        const Response response(OCSP_response_create(said.answer, basic.get()));
        unsigned char* bytes = nullptr;
        const int size = i2d_OCSP_RESPONSE(response.get(), &bytes);
        std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
        OPENSSL_free(bytes);
        return der;
    }
    Result<OcspResponse> load(const std::string& der) const {
        const auto path = folder_ + "/response.der";
        std::ofstream(path, std::ios::binary) << der;
        return load_ocsp_response(path, ours_.certificate_pem() + issuer_.certificate_pem());
    }
    void expect_refused(const Said& said, std::string_view why) const {
        const auto loaded = load(der_of(said));
        EXPECT_FALSE(loaded) << why;
        if (!loaded) {
            EXPECT_NE(loaded.error().what.find(why), std::string::npos) << loaded.error().what;
        }
    }

    char pattern_[32] = "/tmp/stowage-ocsp-XXXXXX";
    std::string folder_;
    const Identity issuer_ = identity("issuer", nullptr, "");
    const Identity ours_ = identity("storage.example", &issuer_, "serverAuth");
};

TEST_F(OcspTest, AGoodOneIsTakenUntilItsEnd) {
    const auto loaded = load(der_of({ours_, issuer_}));
    ASSERT_TRUE(loaded) << loaded.error().what;
    const auto end = std::chrono::system_clock::now() + std::chrono::seconds(hour);
    EXPECT_LT(loaded->until, end + std::chrono::minutes(1));
    EXPECT_GT(loaded->until, end - std::chrono::minutes(1));
    EXPECT_TRUE(load(der_of({ours_, identity("responder", &issuer_, "OCSPSigning")})))
        << "a responder of the issuer's";
}

// Taken out one by one (of which certificate, its status, its time, that it has an end, the signature): each
// fails.
TEST_F(OcspTest, UnsuitableOnesAreRefused) {
    const auto another = identity("storage.example", &issuer_, "serverAuth");
    expect_refused({another, issuer_}, "it is for another certificate");
    expect_refused({ours_, issuer_, V_OCSP_CERTSTATUS_REVOKED}, "it says that the certificate is revoked");
    expect_refused({ours_, issuer_, V_OCSP_CERTSTATUS_UNKNOWN}, "it says that the certificate is unknown");
    expect_refused({ours_, issuer_, V_OCSP_CERTSTATUS_GOOD, -2 * hour, -hour}, "it is not current");
    expect_refused({ours_, issuer_, V_OCSP_CERTSTATUS_GOOD, hour, 2 * hour}, "it is not current");
    expect_refused({ours_, issuer_, V_OCSP_CERTSTATUS_GOOD, -hour, 0, false}, "it does not say how long");
    const auto impostor = identity("issuer", nullptr, "");
    for (const auto* signer : {&impostor, &another})
        expect_refused({ours_, *signer}, "its signature is not of the certificate's issuer");
    expect_refused({ours_, issuer_, V_OCSP_CERTSTATUS_GOOD, -hour, hour, true, OCSP_RESPONSE_STATUS_TRYLATER},
                   "the responder answered trylater");
}

TEST_F(OcspTest, WhatIsNoneIsRefused) {
    for (const auto* bytes : {"", "garbage", "\x30\x80"})
        EXPECT_FALSE(load(bytes)) << bytes;
}

}  // namespace
}  // namespace stowage
