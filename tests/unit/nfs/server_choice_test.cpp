// Which NFS server a machine gets.
// Runs in: unit tests.
#include "nfs/exports/server_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stowage::nfs {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

namespace {

Config config(NfsServer server) {
    Config result;
    result.nfs.server = server;
    result.nfs.port = 2049;
    result.nfs.dbus_executable = "/usr/bin/dbus-daemon";
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

// Debian with both servers installed: nfs-ganesha.service was first, nfs-server.service failed. The kernel's
// was chosen.
TEST(ServerChoice, WhereAnotherProgramHasThePortItIsNamedAndNothingIsChosen) {
    auto facts = all_there();
    facts.nfsd_running = false;
    facts.port_holder = "ganesha.nfsd (process 312)";
    auto refused = choose_server(config(NfsServer::automatic), facts);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_THAT(refused.error().what, HasSubstr("port 2049 is in use by ganesha.nfsd (process 312)"));
    EXPECT_THAT(refused.error().remedy, HasSubstr("systemctl disable --now nfs-ganesha"));
    EXPECT_THAT(refused.error().remedy, HasSubstr("systemctl restart nfs-server"));
    facts.port_holder = "python3 (process 9)";
    refused = choose_server(config(NfsServer::automatic), facts);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().remedy, Not(HasSubstr("nfs-ganesha")));
    EXPECT_EQ(chosen(config(NfsServer::kernel), facts), NfsServer::kernel) << "to take an export away";
}

TEST(ServerChoice, AStoppedKernelServerIsNamedWithTheCommandThatStartsIt) {
    MachineFacts facts{.service_manager = true};
    const auto stopped = nfsd_is_up(2049, facts);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Code::unavailable);
    EXPECT_EQ(stopped.error().remedy, "systemctl start nfs-server");
    facts.port_served = true;
    EXPECT_TRUE(nfsd_is_up(2049, facts)) << "who is not root sees the port alone";
    facts = {.nfsd_running = true, .service_manager = true};
    EXPECT_TRUE(nfsd_is_up(2049, facts));
    EXPECT_TRUE(nfsd_is_up(2049, {}))
        << "a container, which hides the host's nfsd and has nobody to start it";
}

// "NFS-Ganesha ... (or an existing service's bus)": the service is not ours, so neither are its programs.
TEST(ServerChoice, AServiceOfTheMachineNeedsNothingButTheSystemsBus) {
    auto wanted = config(NfsServer::ganesha);
    wanted.nfs.dbus_executable.clear();
    EXPECT_TRUE(ganesha_is_foreign(wanted));
    MachineFacts facts{.system_bus = true, .port_holder = "ganesha.nfsd (process 312)"};
    EXPECT_EQ(chosen(wanted, facts), NfsServer::ganesha);
    facts.system_bus = false;
    auto refused = choose_server(wanted, facts);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr("/run/dbus/system_bus_socket"));
    wanted.nfs.server = NfsServer::automatic;
    EXPECT_FALSE(ganesha_is_foreign(wanted));
    facts = all_there();
    facts.nfsd_running = facts.nfsd_available = false;
    refused = choose_server(wanted, facts);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().remedy, HasSubstr("set nfs.server to ganesha"));
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
    EXPECT_THAT(refused.error().remedy, StartsWith("install nfs-kernel-server")) << "this kernel has nfsd";
    EXPECT_THAT(refused.error().remedy, HasSubstr("nfs-ganesha-vfs"));
    facts.nfsd_running = facts.nfsd_available = false;
    refused = choose_server(config(NfsServer::automatic), facts);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().remedy, StartsWith("install nfs-ganesha"));
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
