// NFS-Ganesha's files.
// Runs in: unit tests.
#include "nfs/exports/ganesha_files.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "gateway/base/atomic_file.hpp"

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
    for (const auto* all : {"::", "0::0"}) {
        config.nfs.bind_address = all;
        EXPECT_THAT(*render_server_config(config, ganesha_files(config)),
                    ::testing::Not(HasSubstr("Bind_addr")))
            << all;
    }
    for (const auto* one : {"0.0.0.0", "10.1.2.3", "fd00::1"}) {
        config.nfs.bind_address = one;
        EXPECT_THAT(*render_server_config(config, ganesha_files(config)),
                    HasSubstr(fmt::format(" Bind_addr = {};", one)));
    }
    config.state_dir = "/var/lib/a\"b";
    EXPECT_FALSE(render_server_config(config, ganesha_files(config)));
}

TEST(GaneshaFiles, OfTwoFilesWithOneExportIdOneIsServedAndTheOtherTold) {
    if (::geteuid() != 0) GTEST_SKIP() << "the directories must be root's";
    char pattern[] = "/tmp/stowage-index-XXXXXX";
    const std::string folder = ::mkdtemp(pattern);
    Config config;
    config.state_dir = folder;
    const auto files = ganesha_files(config);
    ASSERT_TRUE(make_directories(files));
    for (const auto* name : {"lab1", "lab2", "lab3"}) {
        auto one = lab();
        one.lab = name;
        one.path = folder + "/" + name;
        one.export_id = one.lab == "lab3" ? 103 : 101;
        std::filesystem::create_directories(one.path + "/.stowage");
        ASSERT_TRUE(write_atomically(one.path + "/.stowage/lab", one.lab + "\n"));
        ASSERT_TRUE(write_atomically(files.export_file(name), *render_export_block(one)));
    }
    const auto skipped = rebuild_index(files);
    ASSERT_TRUE(skipped) << skipped.error().text();
    ASSERT_EQ(skipped->size(), 1U);
    EXPECT_EQ(skipped->front().lab, "lab2");
    EXPECT_THAT(skipped->front().why.what, HasSubstr("Export_Id 101 is that of lab lab1, too"));
    const auto index = *read_file(files.index);
    EXPECT_THAT(index, HasSubstr("lab1.conf"));
    EXPECT_THAT(index, HasSubstr("lab3.conf"));
    EXPECT_THAT(index, ::testing::Not(HasSubstr("lab2.conf")));
    EXPECT_EQ(recorded_exports(files)->size(), 3U);
    std::filesystem::remove_all(folder);
}

TEST(GaneshaFiles, BusAddressEscapesItsPath) {
    GaneshaFiles files;
    files.bus_socket = "/run/my stowage,x/dbus.sock";
    EXPECT_EQ(files.bus_address(), "unix:path=/run/my%20stowage%2cx/dbus.sock");
}

}  // namespace stowage::nfs
