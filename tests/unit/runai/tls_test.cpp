// The client over TLS: whom it trusts, and what it says when it does not.
#include "tests/unit/runai/certificates.hpp"
#include "tests/unit/runai/fixture.hpp"

namespace stowage::runai {
namespace {

class Tls : public WithStandIn {
  protected:
    void serve_tls(const Authority::Files& files) {
        auto with_tls = options();
        with_tls.certificate = files.certificate;
        with_tls.key = files.key;
        serve(std::move(with_tls));
    }
    Settings trusting(const std::string& bundle) {
        auto out = settings();
        out.ca_bundle = bundle;
        out.request_timeout = std::chrono::milliseconds(5000);
        return out;
    }
    Error refusal_of(Settings settings) {
        connect(std::move(settings));
        const auto cluster = wait(client_->cluster());
        if (cluster) return {Code::internal, "was let through"};
        EXPECT_EQ(calls("grant_token"), 0U);
        EXPECT_EQ(server_->connections(), 1U);  // trying again changes nothing
        return cluster.error();
    }
    Authority authority_;
};

TEST_F(Tls, CreatesThroughATrustedConnection) {
    serve_tls(authority_.issue("IP:127.0.0.1"));
    connect(trusting(authority_.certificate()));
    const auto created = wait(client_->create_nfs_data_source(lab1()));
    ASSERT_TRUE(created) << created.error().text();
    EXPECT_EQ(server_->connections(), 1U);
    EXPECT_EQ(stored(), 1U);
}

TEST_F(Tls, LooksUpNamesAndSendsThem) {
    serve_tls(authority_.issue("DNS:localhost"));
    auto named = trusting(authority_.certificate());
    named.url = "https://localhost:" + std::to_string(server_->port());
    connect(std::move(named));
    const auto cluster = wait(client_->cluster());
    EXPECT_TRUE(cluster) << cluster.error().text();
}

TEST_F(Tls, RefusesAnUnknownAuthority) {
    serve_tls(authority_.issue("IP:127.0.0.1"));
    const auto refused = refusal_of(trusting(""));
    EXPECT_EQ(refused.code, Code::denied);
    EXPECT_NE(refused.what.find("is refused: unable to get local issuer"), std::string::npos) << refused.what;
    EXPECT_NE(refused.remedy.find("runai.ca_bundle"), std::string::npos);
}

TEST_F(Tls, RefusesAnotherHostsCertificate) {
    serve_tls(authority_.issue("DNS:runai.local,IP:127.0.0.2"));
    const auto by_address = refusal_of(trusting(authority_.certificate()));
    EXPECT_EQ(by_address.code, Code::denied);
    EXPECT_NE(by_address.what.find("IP address mismatch"), std::string::npos) << by_address.what;
    serve_tls(authority_.issue("DNS:runai.local"));
    auto named = trusting(authority_.certificate());
    named.url = "https://localhost:" + std::to_string(server_->port());
    const auto by_name = refusal_of(std::move(named));
    EXPECT_EQ(by_name.code, Code::denied);
    EXPECT_NE(by_name.what.find("hostname mismatch"), std::string::npos) << by_name.what;
}

TEST_F(Tls, RefusesAnExpiredCertificate) {
    serve_tls(authority_.issue("IP:127.0.0.1", -3600, -60));
    const auto refused = refusal_of(trusting(authority_.certificate()));
    EXPECT_EQ(refused.code, Code::denied);
    EXPECT_NE(refused.what.find("certificate has expired"), std::string::npos) << refused.what;
}

TEST_F(Tls, SkipsAllChecksOnlyWhenTold) {
    serve_tls(authority_.issue("DNS:elsewhere", -3600, -60));
    auto careless = trusting("");
    careless.insecure_skip_verify = true;
    testing::internal::CaptureStderr();
    connect(std::move(careless));
    const auto said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("<4>"), std::string::npos) << said;
    EXPECT_NE(said.find("runai_insecure"), std::string::npos) << said;
    EXPECT_TRUE(wait(client_->cluster()));
}

TEST_F(Tls, SurvivesFaultsToo) {
    serve_tls(authority_.issue("IP:127.0.0.1"));
    connect(trusting(authority_.certificate()));
    using stand_in::FaultKind;
    for (const auto kind :
         {FaultKind::drop_after, FaultKind::truncated, FaultKind::garbage, FaultKind::error_after}) {
        fail("create_nfs_asset", kind);
        auto source = lab1();
        source.name += std::to_string(static_cast<int>(kind));
        const auto created = wait(client_->create_nfs_data_source(source));
        EXPECT_TRUE(created) << created.error().text();
    }
    EXPECT_EQ(stored(), 4U);
}

}  // namespace
}  // namespace stowage::runai
