// Pods against the worker: directories that are links every other moment, and files that are none.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/support/archive_maker.hpp"
#include "tests/support/link_swapper.hpp"
#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace fs = std::filesystem;

namespace {

void give_to_lab(const fs::path& path) {
    if (::lchown(path.c_str(), lab_uid, lab_uid) != 0) throw std::runtime_error("lchown " + path.string());
}

}  // namespace

// Beside the lab, open to everybody: chroot and openat2 keep the worker from it, each of them alone. What
// openat2 alone does, tests/unit/ftps_worker/adversary_test.cpp shows (there RESOLVE_BENEATH was taken out
// once: all of it failed).
TEST(Adversary, EveryCommandStaysInTheLab) {
    Rig rig;
    const auto outside = rig.lab().parent_path() / "outside";
    fs::create_directories(outside / "sub");
    std::ofstream(outside / "set") << "outside";
    ::chmod(outside.c_str(), 0777);
    ::chmod((outside / "sub").c_str(), 0777);
    ::chmod(rig.lab().parent_path().c_str(), 0755);
    fs::create_directory(rig.lab() / "d");
    fs::create_directory(rig.lab() / "d/sub");
    fs::create_directory_symlink("../outside", rig.lab() / "l");
    for (const auto* name : {"d", "d/sub", "l"})
        give_to_lab(rig.lab() / name);
    const auto archive = (rig.lab() / "set.tar").string();
    ArchiveMaker(archive, "pax").file("unpacked", "inside").file("sub/unpacked", "inside").close();
    give_to_lab(archive);

    auto alice = rig.login();
    auto& control = *alice.control;
    std::map<std::string, std::map<int, int>> seen;
    const auto ask = [&](const std::string& line) {
        const auto code = control.ask(line).code;
        ++seen[line.substr(0, line.find(' '))][code / 100];
        return code;
    };
    {
        const LinkSwapper swapper(rig.lab() / "d", rig.lab() / "l");
        for (int round = 0; round < 60; ++round) {
            ++seen["STOR"][rig.store(alice, "STOR d/set", "inside").code / 100];
            std::string bytes;
            const bool got = rig.retrieve(alice, "RETR d/set", bytes).code == 226;
            EXPECT_EQ(bytes, got ? "inside" : bytes.substr(0, 0));
            bytes.clear();
            ++seen["MLSD"][rig.retrieve(alice, "MLSD d", bytes).code / 100];
            EXPECT_EQ(bytes.find("size=7;"), std::string::npos) << bytes;
            // A name of its own: what an RMD that met the other moment leaves would refuse every MKD after
            // it.
            const auto made = "d/made" + std::to_string(round);
            ask("MKD " + made);
            ask("RMD " + made);
            if (ask("RNFR d/set") == 350) ask("RNTO d/sub/moved");
            ask("DELE d/set");
            ask("DELE d/sub/moved");
            ask("MFMT 20200101000000 d/set");
            ask("SITE CHMOD 640 d/set");
            ask("SITE UNPACK set.tar d");
            ask("SITE COMMIT d/sub d/made");
            ask("SITE COMMIT d/made d/sub");
            ask("DELE d/unpacked");
        }
        EXPECT_GT(swapper.swaps(), 100u);
    }
    // Both moments were met, or this shows nothing.
    for (const auto* verb : {"STOR", "MKD", "SITE"}) {
        EXPECT_GT(seen[verb][2], 0) << verb;
        EXPECT_GT(seen[verb][5], 0) << verb;
        EXPECT_EQ(seen[verb][0], 0) << verb;
    }
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(outside))
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{"set", "sub"}));
    std::ifstream file(outside / "set");
    std::string content;
    file >> content;
    EXPECT_EQ(content, "outside");
    struct stat info {};
    ASSERT_EQ(::stat((outside / "set").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0644u);
    EXPECT_GT(info.st_mtime, 1'700'000'000);
}

class SpecialFiles : public testing::TestWithParam<const char*> {
  protected:
    static bool make(const fs::path& path) {
        const std::string kind = GetParam();
        if (kind == "socket") {
            const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_un address{AF_UNIX, {}};
            path.string().copy(address.sun_path, sizeof address.sun_path - 1);
            if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
                return false;
        } else if (::mknod(path.c_str(), (kind == "fifo" ? S_IFIFO : S_IFCHR) | 0666,
                           kind == "fifo" ? 0 : makedev(1, 5)) != 0) {
            return false;
        }
        give_to_lab(path);
        return ::chmod(path.c_str(), 0666) == 0;
    }
};

// A command that waited for the other end of a fifo would not answer; a writer who found a reader would not
// fail.
// Taken out one by one (the look before opening: a socket is tried; fstat() behind it: a fifo is read from):
// each fails.
TEST_P(SpecialFiles, AreNeverOpened) {
    Rig rig;
    const auto path = rig.lab() / "special.tar";
    ASSERT_TRUE(make(path));
    auto alice = rig.login();
    std::string bytes;
    EXPECT_EQ(rig.retrieve(alice, "RETR special.tar", bytes).code, 550);
    EXPECT_EQ(alice.control->ask("SIZE special.tar").code, 550);
    EXPECT_EQ(alice.control->ask("SITE UNPACK special.tar").code, 550);
    EXPECT_EQ(alice.control->ask("SITE COMMIT special.tar data").code, 550);
    EXPECT_EQ(alice.control->ask("SITE UNPACK special.tar special.tar").code, 550);
    EXPECT_NE(alice.control->ask("MLST special.tar").code, 0);
    EXPECT_EQ(rig.retrieve(alice, "LIST", bytes).code, 226);
    EXPECT_NE(bytes.find("special.tar"), std::string::npos) << bytes;
    const auto appended = rig.store(alice, "APPE special.tar", "x");
    EXPECT_TRUE(appended.code == 550 || appended.code == 226) << appended.text;
    const bool is_fifo = std::string(GetParam()) == "fifo";
    if (is_fifo && appended.code == 550) {
        EXPECT_EQ(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
        EXPECT_EQ(errno, ENXIO);
    }
    // An upload takes its place, as it takes that of a file.
    EXPECT_EQ(rig.store(alice, "STOR special.tar", "content").code, 226);
    EXPECT_EQ(rig.content("/special.tar"), "content");
    EXPECT_EQ(alice.control->ask("DELE special.tar").code, 250);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SpecialFiles, testing::Values("fifo", "device", "socket"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace stowage::ftps::rig
