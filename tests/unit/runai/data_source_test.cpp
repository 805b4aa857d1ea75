// Data sources as values: what differs, and what is refused before it is sent.
#include "provisioning/runai/data_source.hpp"

#include <gtest/gtest.h>

namespace stowage::runai {
namespace {

NfsDataSource good() {
    return {"lab1-nfs", "100001", "nas.example.org", "/mnt/nfs/lab1", "/mnt/nfs", false};
}

TEST(Differences, NamesEachFieldThatDiffers) {
    auto other = good();
    EXPECT_TRUE(differences(good(), other).empty());
    other.server = "nas2";
    other.path = "/srv";
    other.read_only = true;
    const auto found = differences(good(), other);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(to_string(found),
              "server: wanted nas.example.org, found nas2; path: wanted /mnt/nfs/lab1, found /srv; "
              "readOnly: wanted false, found true");
    other = good();
    other.name = "x";
    other.department_id = "7";
    other.mount_path = "/data";
    EXPECT_EQ(differences(good(), other).size(), 3U);
}

TEST(Differences, LooksPastTrailingSlashesAndCaseOfHosts) {
    auto other = good();
    other.path = "/mnt/nfs/lab1/";
    other.server = "NAS.example.org";
    EXPECT_TRUE(differences(good(), other).empty());
    other.path = "/MNT/nfs/lab1";
    EXPECT_EQ(differences(good(), other).size(), 1U);
}

TEST(Differences, EscapesWhatCameBack) {
    auto other = good();
    other.path = "/x\n\x1b[31m";
    EXPECT_EQ(differences(good(), other).at(0).found, "/x\\x0a\\x1b[31m");
}

TEST(Check, RefusesWhatNobodyCouldMount) {
    EXPECT_TRUE(check(good()));
    const auto refuses = [](auto change) {
        auto source = good();
        change(source);
        const auto result = check(source);
        return !result && result.error().code == Code::invalid && !result.error().remedy.empty();
    };
    for (const char* path :
         {"", "mnt", "./x", "/a/../b", "/..", "/a/.", "/a b", "/a\n", "/\xc3\xa9", "/a\"b"}) {
        EXPECT_TRUE(refuses([&](auto& source) { source.path = path; })) << path;
        EXPECT_TRUE(refuses([&](auto& source) { source.mount_path = path; })) << path;
    }
    EXPECT_TRUE(refuses([](auto& source) { source.path = "/" + std::string(2000, 'a'); }));
    EXPECT_TRUE(refuses([](auto& source) { source.mount_path = "/"; }));
    EXPECT_TRUE(refuses([](auto& source) { source.mount_path = "//"; }));
    for (const char* name : {"", ".", "..", "a/b", "-a", "a b", "a\n"})
        EXPECT_TRUE(refuses([&](auto& source) { source.name = name; })) << name;
    for (const char* server : {"", "a b", "a/b", "nas:/x", "[::1]"})
        EXPECT_TRUE(refuses([&](auto& source) { source.server = server; })) << server;
    EXPECT_TRUE(refuses([](auto& source) { source.department_id = ""; }));
    EXPECT_TRUE(refuses([](auto& source) { source.department_id = "1&scope=tenant"; }));
}

TEST(Users, AreListedWithKindAndStatus) {
    EXPECT_EQ(to_string(std::vector<DataSourceUser>{{"workspaces", "1", "jup\n", "Running"},
                                                    {"templates", "2", "t", ""}}),
              "workspaces jup\\x0a (Running), templates t");
}

}  // namespace
}  // namespace stowage::runai
