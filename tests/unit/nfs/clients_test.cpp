// What the kernel's NFS server tells of its clients.
// Runs in: unit tests.
#include "nfs/exports/clients.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace stowage::nfs {

// As Linux 6.1 wrote it.
TEST(NfsClients, InfoOfTheKernelIsRead) {
    const auto client = parse_client_info(
        "clientid: 0x3c6e2f0165a1b2c3\naddress: \"10.77.1.2:821\"\nstatus: confirmed\n"
        "seconds from last renew: 17\nname: \"Linux NFSv4.2 node1\"\nminor version: 2\n"
        "Implementation domain: \"kernel.org\"\ncallback state: UP\ncallback address: (einval)\n");
    ASSERT_TRUE(client);
    EXPECT_EQ(client->address, "10.77.1.2");
    EXPECT_EQ(client->version, "4.2");
    EXPECT_EQ(client->name, "Linux NFSv4.2 node1");
    EXPECT_EQ(client->seen_s, 17);
}

TEST(NfsClients, AddressOfVersionSix) {
    const auto client = parse_client_info("address: \"[fd00::7]:700\"\nminor version: 1\n");
    ASSERT_TRUE(client);
    EXPECT_EQ(client->address, "fd00::7");
    EXPECT_EQ(client->seen_s, -1);
}

TEST(NfsClients, HalfAFileIsNoClient) {
    EXPECT_FALSE(parse_client_info(""));
    EXPECT_FALSE(parse_client_info("address: \"10.77.1.2:821\"\n"));
    EXPECT_FALSE(parse_client_info("name: \"address: \nminor version: 2"));
}

// As Linux 6.1 wrote it.
constexpr std::uint64_t client_id = 0xb83e93d66b08b10d;
constexpr auto opened =
    "- 0x000000010db1086bd6933eb801000000: { type: open, access: -w, deny: --, superblock: \"fd:10:13649\", "
    "filename: \"lab1/opened\", owner: \"open id:\\x00\\x00\" }\n";

TEST(NfsClients, OpensTellDeviceInodeAndTheEndOfThePath) {
    EXPECT_EQ(parse_client_id("clientid: 0xb83e93d66b08b10d\naddress: \"10.77.1.2:821\"\n"), client_id);
    EXPECT_FALSE(parse_client_id("address: \"10.77.1.2:821\"\n"));
    const auto opens = parse_opens(
        std::string(opened) +
            "- 0x000000010db1086bd6933eb802000000: { type: lock, superblock: \"fd:10:13650\", filename: "
            "\"lab1/locked\" }\n"
            "- 0x000000010db1086bd6933eb803000000: { type: open, access: r }\n",
        client_id);
    ASSERT_EQ(opens.size(), 2u);
    EXPECT_EQ(opens[0].device, "253:16");
    EXPECT_EQ(opens[0].inode, 13649u);
    EXPECT_EQ(opens[0].name, "lab1/opened");
    EXPECT_EQ(opens[1].device, "");
    EXPECT_TRUE(parse_opens("", client_id).empty());
}

TEST(NfsClients, NamesWithLineEndsForgeNoOpens) {
    const auto forged = [](std::string_view id) {
        return fmt::format(
            "- 0x000000010db1086bd6933eb802000000: {{ type: open, access: -w, deny: --, superblock: "
            "\"fd:10:22\", filename: \"a\", owner: \"x\" }}\n"
            "- 0x{}: {{ type: open, access: rw, superblock: \"fe:00:16\", filename: \"lab2/.stowage\", "
            "owner: \"open id:\\x00\" }}\n",
            id);
    };
    for (const auto id : {"00", "000000010db1086b", "0000000100000000d6933eb801000000",
                          "000000010db1086bd7933eb801000000", "000000010db1086bd6933eb8"}) {
        const auto opens = parse_opens(opened + forged(id), client_id);
        ASSERT_EQ(opens.size(), 2u) << id;
        EXPECT_EQ(opens[1].name, "a");
        EXPECT_EQ(opens[1].inode, 22u);
    }
}

TEST(NfsClients, MountsTellTheirFilesystem) {
    const auto devices = devices_by_mount(
        "30 1 8:1 / / rw - ext4 /dev/sda1 rw\n31 30 0:40 /a /mnt/nfs rw - btrfs /dev/sda2 rw\nodd\n\n");
    EXPECT_EQ(devices, (std::map<std::uint64_t, std::string>{{30, "8:1"}, {31, "0:40"}}));
}

TEST(NfsClients, OnlyAFilesystemOfTheLabsOwnTellsTheLab) {
    const auto labs = labs_by_device(
        "30 1 8:1 / / rw - ext4 /dev/sda1 rw\n31 30 8:2 / /mnt/nfs rw - xfs /dev/sda2 rw\n"
        "32 31 8:3 / /mnt/nfs/lab1 rw - xfs /dev/sda3 rw\n33 31 0:40 /a /mnt/nfs/lab2 rw - btrfs /dev/sda4 "
        "rw\n"
        "34 31 0:40 /b /mnt/nfs/lab3 rw - btrfs /dev/sda4 rw\n35 31 8:2 /lab4 /mnt/nfs/lab4 rw - xfs "
        "/dev/sda2 rw\n"
        "36 31 8:5 / /mnt/nfs/lab5 rw - xfs /dev/sda5 rw\n37 30 8:5 / /srv rw - xfs /dev/sda5 rw\nodd\n",
        "/mnt/nfs");
    EXPECT_EQ(labs, (std::map<std::string, std::string>{{"8:3", "lab1"}}));
}

TEST(NfsClients, OwnChecksAreKnownByNameAndAddress) {
    ConnectedClient client{.address = "127.0.0.1", .version = "4.0", .name = "stowage-check-812-0"};
    EXPECT_TRUE(is_own_check(client, "127.0.0.1"));
    client.address = "10.77.1.2";
    EXPECT_FALSE(is_own_check(client, "127.0.0.1")) << "a pod that calls itself so";
    client.name = "Linux NFSv4.2 node1";
    EXPECT_FALSE(is_own_check(client, "10.77.1.2"));
}

TEST(NfsClients, RmtabTellsThePathsOfVersionThree) {
    const auto clients =
        parse_rmtab("10.77.1.2:/mnt/nfs/lab1:0x00000001\nfd00::7:/mnt/nfs/lab2:0x00000002\nodd\n::\n");
    ASSERT_EQ(clients.size(), 2u);
    EXPECT_EQ(clients[0].address, "10.77.1.2");
    EXPECT_EQ(clients[0].path, "/mnt/nfs/lab1");
    EXPECT_EQ(clients[1].address, "fd00::7");
    EXPECT_EQ(clients[1].path, "/mnt/nfs/lab2");
}

}  // namespace stowage::nfs
