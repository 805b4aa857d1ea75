// NFS-Ganesha's files.
// Runs in: unit tests.
#include "nfs/exports/ganesha_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stowage::nfs {

using ::testing::HasSubstr;

namespace {

Export lab() {
    return {.lab = "lab1",
            .path = "/mnt/my nfs/lab1",
            .uid = 700001,
            .gid = 700002,
            .export_id = 101,
            .clients = {"10.1.0.0/16", "fd00::/8"}};
}

}  // namespace

TEST(GaneshaFiles, ExportBlockTellsAllAndIsReadBack) {
    const auto text = render_export_block(lab());
    ASSERT_TRUE(text);
    for (const auto* part :
         {"Export_Id = 101;", "Path = \"/mnt/my nfs/lab1\";", "Pseudo = \"/mnt/my nfs/lab1\";",
          "Clients = 10.1.0.0/16, fd00::/8;", "PrivilegedPort = true;", "Access_Type = RW;",
          "Squash = all_squash;", "Anonymous_Uid = 700001;", "Anonymous_Gid = 700002;",
          "Attr_Expiration_Time = 0;", "SecType = sys;"})
        EXPECT_THAT(*text, HasSubstr(part));
    const auto recorded = parse_export_block(*text);
    ASSERT_TRUE(recorded);
    EXPECT_EQ(recorded->lab, "lab1");
    EXPECT_EQ(recorded->path, "/mnt/my nfs/lab1");
    EXPECT_EQ(recorded->export_id, 101);
}

TEST(GaneshaFiles, PathsThatWouldEndTheStringAreRefused) {
    for (const auto* path : {"/a\"b", "/a\\b"}) {
        auto odd = lab();
        odd.path = path;
        EXPECT_FALSE(render_export_block(odd));
    }
}

TEST(GaneshaFiles, ForeignTextIsNoRecordedExport) {
    for (const auto* text :
         {"", "# stowage export\n", "# stowage export\n# lab: ../x\n# export_id: 1\n# path: /x\n",
          "# stowage export\n# lab: a\n# export_id: 0\n# path: /x\n",
          "# stowage export\n# lab: a\n# export_id: 70000\n# path: /x\n",
          "# stowage export\n# lab: a\n# export_id: 7x\n# path: /x\n",
          "# stowage export\n# lab: a\n# export_id: 7\n# path: x\n",
          "EXPORT {}\n# lab: a\n# export_id: 7\n# path: /x\n"})
        EXPECT_FALSE(parse_export_block(text)) << text;
}

TEST(GaneshaFiles, ServerConfigNeedsNeitherRpcbindNorV3) {
    Config config;
    config.state_dir = "/var/lib/stowage";
    config.nfs.port = 2049;
    config.nfs.bind_address = "::";
    const auto text = render_server_config(config, ganesha_files(config));
    ASSERT_TRUE(text);
    for (const auto* part : {"Protocols = 4;", "Enable_NLM = false;", "Enable_RQUOTA = false;",
                             "Graceless = false;", "mount_path_pseudo = true;", "%include exports.conf\n"})
        EXPECT_THAT(*text, HasSubstr(part));
    config.state_dir = "/var/lib/a\"b";
    EXPECT_FALSE(render_server_config(config, ganesha_files(config)));
}

TEST(GaneshaFiles, BusAddressEscapesItsPath) {
    GaneshaFiles files;
    files.bus_socket = "/run/my stowage,x/dbus.sock";
    EXPECT_EQ(files.bus_address(), "unix:path=/run/my%20stowage%2cx/dbus.sock");
}

}  // namespace stowage::nfs
