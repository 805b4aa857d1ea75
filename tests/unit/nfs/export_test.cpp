// Fields and markers of exports, bounded programs.
// Runs in: unit tests.
#include "nfs/exports/export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "nfs/exports/program.hpp"

namespace stowage::nfs {

using ::testing::HasSubstr;

namespace {

Export lab() {
    return {.lab = "lab1",
            .path = "/mnt/nfs/lab1",
            .uid = 700001,
            .gid = 700001,
            .export_id = 1,
            .clients = {"10.1.0.0/16"}};
}

struct TemporaryLab {
    std::string path;
    TemporaryLab() {
        char pattern[] = "/tmp/stowage-export-XXXXXX";
        path = ::mkdtemp(pattern);
        std::filesystem::create_directory(path + "/.stowage");
    }
    ~TemporaryLab() { std::filesystem::remove_all(path); }
    std::string marker() const { return path + "/.stowage/lab"; }
};

}  // namespace

TEST(Export, WrongFieldsAreRefused) {
    EXPECT_TRUE(check_fields(lab()));
    const auto refused = [](auto change) {
        auto meant = lab();
        change(meant);
        return !check_fields(meant);
    };
    EXPECT_TRUE(refused([](Export& e) { e.lab = "../etc"; }));
    EXPECT_TRUE(refused([](Export& e) { e.path = "mnt"; }));
    EXPECT_TRUE(refused([](Export& e) { e.path = "/mnt/a\nb"; }));
    EXPECT_TRUE(refused([](Export& e) { e.uid = 0; }));
    EXPECT_TRUE(refused([](Export& e) { e.gid = 0xffffffff; }));
    EXPECT_TRUE(refused([](Export& e) { e.export_id = 0; }));
    EXPECT_TRUE(refused([](Export& e) { e.clients.clear(); }));
    EXPECT_TRUE(refused([](Export& e) { e.clients = {"10.1.2.3/16"}; }));
    EXPECT_TRUE(refused([](Export& e) { e.clients = {"*"}; }));
    EXPECT_TRUE(refused([](Export& e) { e.clients = {"10.0.0.0/8(rw)"}; }));
}

TEST(Export, UuidText) {
    EXPECT_EQ(to_text(Uuid{0x6f, 0x1b, 0x7f, 0x0c, 0x8f, 0x2e, 0x4b, 0x53, 0x9a, 0x5e, 0, 0, 0, 0, 0, 1}),
              "6f1b7f0c-8f2e-4b53-9a5e-000000000001");
}

TEST(Marker, MustNameTheLab) {
    if (::geteuid() != 0) GTEST_SKIP() << "the marker must be root's";
    const TemporaryLab place;
    EXPECT_FALSE(check_directory("lab1", place.path));
    std::ofstream(place.marker()) << "lab1\nuid=700001\nversion=1\n";
    EXPECT_TRUE(check_directory("lab1", place.path));
    EXPECT_FALSE(check_directory("lab2", place.path));
    EXPECT_FALSE(check_directory("lab1", place.path + "/nowhere"));
}

// Taken out, each: the owner, what the directory holds, another's marker.
TEST(Marker, WithoutItOnlyTheLabsOwnFullDirectoryIsTheLab) {
    if (::geteuid() != 0) GTEST_SKIP() << "the marker must be root's";
    const TemporaryLab place;
    auto meant = lab();
    meant.path = place.path;
    meant.uid = ::getuid();
    meant.gid = ::getgid();
    EXPECT_TRUE(is_lab_without_marker(meant)) << "it holds .stowage";
    ++meant.uid;
    EXPECT_FALSE(is_lab_without_marker(meant)) << "another's";
    --meant.uid;
    std::ofstream(place.marker()) << "lab2\nuid=700002\nversion=1\n";
    EXPECT_FALSE(is_lab_without_marker(meant)) << "of another lab";
    std::filesystem::remove_all(place.path + "/.stowage");
    EXPECT_FALSE(is_lab_without_marker(meant)) << "empty, as a mount point is";
}

// A pod renames `.stowage` and makes one of its own, and cannot so keep its export from being changed.
TEST(Marker, ThatTheLabMadeItselfIsNone) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a directory away";
    const TemporaryLab place;
    auto meant = lab();
    meant.path = place.path;
    for (const auto* name : {"lab1", "lab2"}) {
        std::ofstream(place.marker()) << name << "\nuid=700001\nversion=1\n";
        for (const auto& path : {place.path, place.path + "/.stowage"})
            ASSERT_EQ(::chown(path.c_str(), meant.uid, meant.gid), 0);
        EXPECT_FALSE(check_directory(name, place.path)) << name;
        EXPECT_TRUE(is_lab_without_marker(meant)) << name;
    }
}

TEST(Marker, IsNotFollowedNorWaitedFor) {
    const TemporaryLab place;
    std::ofstream(place.path + "/elsewhere") << "lab1\nuid=700001\nversion=1\n";
    std::filesystem::create_symlink(place.path + "/elsewhere", place.marker());
    EXPECT_FALSE(check_directory("lab1", place.path)) << "symbolic link";
    std::filesystem::remove(place.marker());
    ASSERT_EQ(::mkfifo(place.marker().c_str(), 0600), 0);
    EXPECT_FALSE(check_directory("lab1", place.path)) << "FIFO";
    std::filesystem::create_directory_symlink(place.path, place.path + "-link");
    EXPECT_FALSE(check_directory("lab1", place.path + "-link"));
    std::filesystem::remove(place.path + "-link");
}

TEST(Program, EndsWithItsStatusAndWords) {
    const auto end =
        run_program({"/bin/sh", "-c", "echo no such host >&2; exit 3"}, std::chrono::seconds(10));
    ASSERT_TRUE(end);
    EXPECT_EQ(end->status, 3);
    EXPECT_EQ(end->error_text, "no such host");
    EXPECT_FALSE(run_program({"/nowhere/at/all"}, std::chrono::seconds(10)));
}

TEST(Program, IsKilledAtItsLimit) {
    const auto end = run_program({"/bin/sleep", "60"}, std::chrono::milliseconds(50));
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, Code::timeout);
}

TEST(Program, TooManyWordsNeitherBlockNorGrow) {
    const auto end = run_program({"/bin/sh", "-c", "yes x | head -c 1000000 >&2"}, std::chrono::seconds(10));
    ASSERT_TRUE(end);
    EXPECT_LE(end->error_text.size(), 6000U);
}

}  // namespace stowage::nfs
