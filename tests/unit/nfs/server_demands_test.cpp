// What is demanded of the NFS server, and the words when it cannot.
// Runs in: unit tests.
#include "nfs/exports/server_demands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stowage::nfs {

using ::testing::HasSubstr;

namespace {

MachineFacts debian_12() {
    return {
        .nfsd_running = true, .exportfs = true, .rpcbind = true, .nfsd_versions = "+3 +4 -4.0 +4.1 +4.2\n"};
}

std::string objection(const Config& config, const MachineFacts& facts = debian_12()) {
    const auto can = kernel_can(config, facts);
    return can ? "" : can.error().text();
}

}  // namespace

TEST(ServerDemands, DefaultsAreMet) {
    EXPECT_EQ(objection({}), "");
    EXPECT_TRUE(ganesha_can({}));
}

TEST(ServerDemands, TransportSecurityNamesWhatLacksIt) {
    Config config;
    config.nfs.transport_security = "tls";
    auto facts = debian_12();
    EXPECT_THAT(objection(config, facts), HasSubstr("this kernel has no RPC over TLS"));
    facts.kernel_rpc_tls = true;
    EXPECT_THAT(objection(config, facts), HasSubstr("does not know xprtsec="));
    facts.exportfs_rpc_tls = true;
    EXPECT_EQ(objection(config, facts), "");
    EXPECT_FALSE(ganesha_can(config));
}

TEST(ServerDemands, KerberosNeedsAKeytab) {
    Config config;
    config.nfs.security = "krb5p";
    auto facts = debian_12();
    EXPECT_THAT(objection(config, facts), HasSubstr("/etc/krb5.keytab"));
    facts.keytab = true;
    EXPECT_EQ(objection(config, facts), "");
    EXPECT_FALSE(ganesha_can(config));
}

TEST(ServerDemands, VersionThreeOnlyWhereItIsServed) {
    Config config;
    auto facts = debian_12();
    facts.nfsd_versions = "-3 +4 +4.1 +4.2";
    facts.rpcbind = false;
    EXPECT_EQ(objection(config, facts), "") << "not asked for";
    config.nfs.v3 = true;
    EXPECT_THAT(objection(config, facts), HasSubstr("vers3=y"));
    facts.nfsd_versions = "+3 +4 +4.1 +4.2";
    EXPECT_THAT(objection(config, facts), HasSubstr("rpcbind does not run"));
    EXPECT_FALSE(ganesha_can(config));
}

TEST(ServerDemands, VersionThreeThatNobodyWantsIsTold) {
    Config config;
    const auto more = more_than_wanted(config, debian_12());
    ASSERT_TRUE(more);
    EXPECT_THAT(more->remedy, HasSubstr("vers3=n"));
    auto facts = debian_12();
    facts.nfsd_versions = "-3 +4 -4.0 +4.1 +4.2\n";
    EXPECT_FALSE(more_than_wanted(config, facts));
    facts.nfsd_versions = "";
    EXPECT_FALSE(more_than_wanted(config, facts)) << "it does not run";
    config.nfs.v3 = true;
    EXPECT_FALSE(more_than_wanted(config, debian_12()));
}

TEST(ServerDemands, VersionFourTwoMustBeServed) {
    auto facts = debian_12();
    facts.nfsd_versions = "+3 +4 +4.1 -4.2";
    EXPECT_THAT(objection({}, facts), HasSubstr("does not serve NFSv4.2"));
}

TEST(ServerDemands, ReleasesAreCompared) {
    EXPECT_TRUE(release_has_rpc_tls("6.4.0"));
    EXPECT_TRUE(release_has_rpc_tls("6.12.3-amd64"));
    EXPECT_TRUE(release_has_rpc_tls("10.0"));
    EXPECT_FALSE(release_has_rpc_tls("6.1.0-56-amd64"));
    EXPECT_FALSE(release_has_rpc_tls("5.19"));
    EXPECT_FALSE(release_has_rpc_tls("six"));
}

}  // namespace stowage::nfs
