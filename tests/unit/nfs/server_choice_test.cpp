// Which NFS server a machine gets.
// Runs in: unit tests.
#include "nfs/exports/server_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stowage::nfs {

using ::testing::HasSubstr;

namespace {

Config config(NfsServer server) {
    Config result;
    result.nfs.server = server;
    result.nfs.port = 2049;
    return result;
}

MachineFacts all_there() {
    return {.nfsd_running = true,
            .nfsd_available = true,
            .service_manager = true,
            .exportfs = true,
            .ganesha = true,
            .dbus_daemon = true,
            .mount_table = true,
            .nfsd_ports = "rdma 20049\ntcp 2049\ntcp 2049\n"};
}

NfsServer chosen(const Config& wanted, const MachineFacts& facts) {
    const auto choice = choose_server(wanted, facts);
    return choice ? choice->server : NfsServer::automatic;
}

}  // namespace

TEST(ServerChoice, RunningKernelServerIsPreferred) {
    EXPECT_EQ(chosen(config(NfsServer::automatic), all_there()), NfsServer::kernel);
}

TEST(ServerChoice, GaneshaWhereTheKernelCannot) {
    const auto automatic = config(NfsServer::automatic);
    auto facts = all_there();
    facts.exportfs = false;
    EXPECT_EQ(chosen(automatic, facts), NfsServer::ganesha);
    facts = all_there();
    facts.nfsd_running = facts.nfsd_available = false;
    EXPECT_EQ(chosen(automatic, facts), NfsServer::ganesha);
    facts = all_there();
    facts.nfsd_ports = "tcp 20490\n";
    EXPECT_EQ(chosen(automatic, facts), NfsServer::ganesha) << "another port";
    facts = all_there();
    facts.nfsd_running = false;
    EXPECT_EQ(chosen(automatic, facts), NfsServer::kernel) << "systemd starts it";
    facts.service_manager = false;
    EXPECT_EQ(chosen(automatic, facts), NfsServer::ganesha) << "nobody would start it";
}

TEST(ServerChoice, ImpossibleChoiceNamesTheRemedy) {
    auto facts = all_there();
    facts.exportfs = false;
    auto refused = choose_server(config(NfsServer::kernel), facts);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().remedy, HasSubstr("install nfs-kernel-server"));
    facts.ganesha = false;
    refused = choose_server(config(NfsServer::automatic), facts);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().remedy, HasSubstr("install nfs-ganesha"));
    facts.ganesha = true;
    facts.dbus_daemon = false;
    refused = choose_server(config(NfsServer::ganesha), facts);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().remedy, HasSubstr("install dbus-daemon"));
    facts.dbus_daemon = true;
    facts.mount_table = false;
    refused = choose_server(config(NfsServer::ganesha), facts);
    ASSERT_FALSE(refused) << "a debootstrap tree has no /etc/mtab, and NFS-Ganesha exports nothing then";
    EXPECT_THAT(refused.error().remedy, HasSubstr("/etc/mtab"));
}

}  // namespace stowage::nfs
