// What the kernel's NFS server tells of its clients.
// Runs in: unit tests.
#include "nfs/exports/clients.hpp"

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

TEST(NfsClients, OpensAreCounted) {
    EXPECT_EQ(count_opens("- 0x0000: { type: open, access: rw }\n- 0x0001: { type: lock, superblock: x }\n"
                          "- 0x0002: { type: open, access: r }\n"),
              2u);
    EXPECT_EQ(count_opens(""), 0u);
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
