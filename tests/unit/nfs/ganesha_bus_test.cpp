// What NFS-Ganesha's replies really say; texts as version 4.3 gave them.
// Runs in: unit tests.
#include "nfs/exports/ganesha_bus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stowage::nfs {

using ::testing::HasSubstr;

namespace {

Export lab() {
    return {.lab = "lab1",
            .path = "/mnt/nfs/lab1",
            .uid = 700001,
            .gid = 700001,
            .export_id = 101,
            .clients = {"10.1.0.0/16", "127.0.0.0/8"}};
}

// Measured options: 0x32031e4 read-write, 0x32030a4 read-only, both all_squash.
ServedExport served() {
    return {
        .export_id = 101,
        .path = "/mnt/nfs/lab1",
        .pseudo = "/mnt/nfs/lab1",
        .clients = {{"127.0.0.0/8", 700001, 700001, 52441572}, {"10.1.0.0/16", 700001, 700001, 52441572}}};
}

std::string difference(const ServedExport& found, const Export& meant = lab()) {
    const auto compared = compare_served(found, meant);
    return compared ? "" : compared.error().what;
}

}  // namespace

TEST(GaneshaReply, CleanSuccessOnly) {
    EXPECT_TRUE(judge_reply("1 exports added"));
    EXPECT_TRUE(judge_reply("1 exports updated"));
    EXPECT_FALSE(judge_reply(
        "1 exports updated. Errors found:\nConfig File (/x:1): Unknown parameter (Protoocols)\n"));
    EXPECT_FALSE(judge_reply("0 exports added"));
    EXPECT_FALSE(judge_reply("11 exports added"));
    EXPECT_FALSE(judge_reply("2 exports updated"));
    EXPECT_FALSE(judge_reply(""));
}

TEST(GaneshaServed, EqualIsFound) {
    EXPECT_EQ(difference(served()), "");
    auto meant = lab();
    std::swap(meant.clients, meant.read_only_clients);
    auto found = served();
    for (auto& client : found.clients)
        client.options = 52441252;
    EXPECT_EQ(difference(found, meant), "");
}

TEST(GaneshaServed, EachDifferenceIsTold) {
    auto found = served();
    found.path = "/mnt/nfs";
    EXPECT_THAT(difference(found), HasSubstr("serves /mnt/nfs as /mnt/nfs/lab1"));
    found = served();
    found.clients[0].network = "*";
    EXPECT_THAT(difference(found), HasSubstr("is open to *"));
    found = served();
    found.clients.pop_back();
    EXPECT_THAT(difference(found), HasSubstr("is not open to 10.1.0.0/16"));
    found = served();
    found.clients[1].anonymous_gid = 0;
    EXPECT_THAT(difference(found), HasSubstr("squashes 10.1.0.0/16 to 700001:0"));
    found = served();
    found.clients[0].options &= ~4U;
    EXPECT_THAT(difference(found), HasSubstr("does not squash 127.0.0.0/8"));
    found = served();
    found.clients[0].options = 52441252;
    EXPECT_THAT(difference(found), HasSubstr("gives other rights to 127.0.0.0/8"));
}

}  // namespace stowage::nfs
