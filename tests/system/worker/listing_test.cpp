// LIST, NLST, MLSD, MLST and STAT of a path: flags, patterns, bounds, names that peers made.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace fs = std::filesystem;

namespace {

void make_directory(const Rig& rig, const std::string& path) {
    fs::create_directories(rig.lab().string() + path);
    ASSERT_EQ(::chown((rig.lab().string() + path).c_str(), lab_uid, lab_uid), 0);
}

std::string listed(Rig& rig, Rig::Login& login, const std::string& command) {
    std::string text;
    const auto reply = rig.retrieve(login, command, text);
    return reply.code == 226 ? text : reply.text;
}

long lines_in(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

// Taken out (parse_list_argument() takes no flags off): this fails, and so does that of STAT below.
TEST(Listings, FlagsAreUnderstoodAndNoPaths) {
    Rig rig;
    auto alice = rig.login();
    make_directory(rig, "/two words");
    rig.write_as_pod("/two words/inside", "x");
    rig.write_as_pod("/.hidden", "x");
    const auto plain = listed(rig, alice, "LIST");
    EXPECT_EQ(lines_in(plain), 2) << plain;
    // Everything is shown always, so that a mirror is whole; MLSD has no flags.
    EXPECT_NE(plain.find(" .hidden\r\n"), std::string::npos);
    for (const auto* command :
         {"LIST -al /", "LIST -a", "LIST -A -1 -t", "LIST -la", "LIST /", "LIST -F -- /"})
        EXPECT_EQ(listed(rig, alice, command), plain) << command;
    for (const auto* command :
         {"LIST two words", "LIST -al two words", "LIST -al /two words/", "LIST -- two words"})
        EXPECT_TRUE(listed(rig, alice, command).ends_with(" inside\r\n")) << command;
    EXPECT_TRUE(listed(rig, alice, "LIST -ld two words").ends_with(" two words\r\n"));
    EXPECT_EQ(listed(rig, alice, "LIST -d").substr(0, 1), "d");
    EXPECT_EQ(listed(rig, alice, "NLST -d"), ".\r\n");
    EXPECT_EQ(listed(rig, alice, "NLST -a two words"), "two words/inside\r\n");
}

// Taken out one by one (the look at a flag's letters, "--" as the end of flags): each fails.
TEST(Listings, NamesWithADashCanBeListed) {
    Rig rig;
    auto alice = rig.login();
    make_directory(rig, "/-al");
    rig.write_as_pod("/-al/inside", "x");
    rig.write_as_pod("/-backup.tar", "x");
    EXPECT_EQ(listed(rig, alice, "NLST -- -al"), "-al/inside\r\n");
    EXPECT_EQ(listed(rig, alice, "NLST ./-al"), "./-al/inside\r\n");
    EXPECT_EQ(listed(rig, alice, "NLST -backup.tar"), "-backup.tar\r\n");
    EXPECT_TRUE(listed(rig, alice, "MLSD -al").ends_with("; inside\r\n"));
    EXPECT_EQ(alice.control->ask("SIZE -backup.tar").text, "213 1\r\n");
    EXPECT_EQ(alice.control->ask("DELE -backup.tar").code, 250);
    EXPECT_EQ(alice.control->ask("CWD -al").code, 250);
}

// Taken out one by one (lines that replace control bytes, and so replies with a name; arguments without
// blanks at their end; names of 254 bytes): each fails.
TEST(Listings, EveryByteOfANamePassesThroughEveryCommand) {
    Rig rig;
    auto alice = rig.login();
    const std::string longest(255, 'n');
    for (const std::string name :
         {"[b]{c}", "back\\slash", "trailing ", " leading", "*", "a*b?", "~", "tab\tbell\x07", "esc\x1b[31m",
          "caf\xc3\xa9", "latin\xe9", "\"quoted\"", longest.c_str()}) {
        ASSERT_EQ(rig.store(alice, "STOR " + name, "x").code, 226) << name;
        EXPECT_EQ(rig.content("/" + name), "x");
        EXPECT_EQ(listed(rig, alice, "NLST"), name + "\r\n");
        EXPECT_TRUE(listed(rig, alice, "LIST").ends_with(" " + name + "\r\n")) << name;
        EXPECT_TRUE(listed(rig, alice, "MLSD").ends_with("; " + name + "\r\n")) << name;
        EXPECT_NE(alice.control->ask("MLST " + name).text.find("; /" + name + "\r\n"), std::string::npos)
            << name;
        EXPECT_EQ(alice.control->ask("SIZE " + name).text, "213 1\r\n") << name;
        EXPECT_EQ(alice.control->ask("DELE " + name).code, 250) << name;
    }
    ASSERT_EQ(alice.control->ask("MKD a\tb").text, "257 \"/a\tb\" was made.\r\n");
    ASSERT_EQ(alice.control->ask("CWD a\tb").code, 250);
    EXPECT_EQ(alice.control->ask("PWD").text, "257 \"/a\tb\" is the current directory.\r\n");
    EXPECT_EQ(alice.control->ask("STOR " + longest + "n").code, 425) << "no data connection yet";
    Rig::epsv(*alice.control);
    EXPECT_EQ(alice.control->ask("STOR " + longest + "n").code, 553);
}

// Names that only peers can make: they are shown with '?', and what is shown can be said.
// Taken out one by one (line_name(), LabView::known_as()): each fails.
TEST(Listings, NamesWithLineEndsAreAddressedAsTheyAreShown) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/evil\r\n226 forged", "12345");
    EXPECT_EQ(listed(rig, alice, "NLST"), "evil??226 forged\r\n");
    EXPECT_EQ(alice.control->ask("SIZE evil??226 forged").text, "213 5\r\n");
    const auto facts = alice.control->ask("MLST evil??226 forged").text;
    EXPECT_EQ(lines_in(facts), 3) << facts;
    std::string back;
    EXPECT_EQ(rig.retrieve(alice, "RETR evil??226 forged", back).code, 226);
    EXPECT_EQ(back, "12345");
    ASSERT_EQ(alice.control->ask("RNFR evil??226 forged").code, 350);
    EXPECT_EQ(alice.control->ask("RNTO good").code, 250);
    EXPECT_EQ(rig.content("/good"), "12345");
    // A directory on the way, and PWD's answer is a way back into it.
    make_directory(rig, "/dir\nwith");
    rig.write_as_pod("/dir\nwith/file\n", "x");
    ASSERT_EQ(alice.control->ask("CWD dir?with").code, 250);
    EXPECT_EQ(alice.control->ask("PWD").text, "257 \"/dir?with\" is the current directory.\r\n");
    EXPECT_EQ(alice.control->ask("CWD /dir?with").code, 250);
    // Refusals name it too. Taken out (line_name() in Session::tell()): they have a line of the pod's choice.
    for (const auto* refused : {"RMD /dir?with", "DELE /dir?with", "CWD file?"}) {
        const auto reply = alice.control->ask(refused);
        EXPECT_EQ(reply.code, 550) << refused;
        EXPECT_EQ(lines_in(reply.text), 1) << reply.text;
    }
    EXPECT_EQ(rig.store(alice, "STOR new", "x").code, 226);
    EXPECT_EQ(alice.control->ask("DELE file?").code, 250);
    EXPECT_EQ(alice.control->ask("DELE new").code, 250);
    EXPECT_EQ(alice.control->ask("RMD /dir?with").code, 250);
    EXPECT_EQ(rig.visible(), std::vector<std::string>{"good"});
}

// Taken out (the count in LabView::shown_as()): this fails.
TEST(Listings, AlikeNamesAreRefusedAndTheExactOneComesFirst) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/a\nb", "1");
    rig.write_as_pod("/a\rb", "22");
    EXPECT_EQ(alice.control->ask("DELE a?b").code, 550);
    rig.write_as_pod("/a?b", "333");
    EXPECT_EQ(alice.control->ask("SIZE a?b").text, "213 3\r\n");
    EXPECT_EQ(alice.control->ask("DELE a?b").code, 250);
    EXPECT_TRUE(fs::exists(rig.lab() / "a\nb"));
    EXPECT_TRUE(fs::exists(rig.lab() / "a\rb"));
}

// Taken out one by one (".." left to the filesystem, fnmatch(3) for one that tries everything): each fails.
// The limit of directories has a test of its own: Listing.GoesIntoSoManyDirectoriesAndSaysSo.
TEST(Listings, RecursionAndPatternsAreBounded) {
    Rig rig;
    auto alice = rig.login();
    make_directory(rig, "/a/b/c");
    make_directory(rig, "/a/b/d");
    EXPECT_EQ(alice.control->ask("CWD a").code, 250);
    // ".." goes by the text, so that this is "*" of the directory.
    EXPECT_TRUE(listed(rig, alice, "LIST */../*/../*").ends_with(" b\r\n"));
    std::string stars = "LIST ";
    for (int i = 0; i < 1000; ++i)
        stars += "*/../";
    EXPECT_TRUE(listed(rig, alice, stars + "*").ends_with(" b\r\n"));
    // Backtracking would take for ever here.
    rig.write_as_pod("/" + std::string(255, 'a'), "x");
    std::string pattern = "NLST /";
    for (int i = 0; i < 100; ++i)
        pattern += "*a";
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(listed(rig, alice, pattern + "*b"), "");
    EXPECT_EQ(lines_in(listed(rig, alice, pattern + "*")), 1);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

// Without the bound the listing would end with 226.
// Taken out one by one (the limit of levels, the 451 behind it): each fails.
TEST(Listings, ADeepTreeIsCutAndSaysSo) {
    Rig rig;
    auto alice = rig.login();
    std::string deep;
    for (int i = 0; i < 40; ++i)
        deep += "/d";
    make_directory(rig, deep);
    std::string text;
    const auto reply = rig.retrieve(alice, "LIST -R", text);
    EXPECT_EQ(reply.code, 451) << reply.text;
    EXPECT_NE(reply.text.find("not whole"), std::string::npos);
    EXPECT_EQ(rig.retrieve(alice, "LIST -R " + deep.substr(0, 40), text).code, 226);
    // A loop of links ends at once: they are not followed.
    fs::create_symlink(".", rig.lab() / "loop");
    make_directory(rig, "/wide");
    fs::create_symlink("..", rig.lab() / "wide/up");
    EXPECT_EQ(rig.retrieve(alice, "LIST -R wide", text).code, 226);
    EXPECT_EQ(lines_in(text), 2) << text;
}

// Taken out (no limit in absolute_path()): this fails.
TEST(Listings, PathsBeyondTheLimitDoNoHarm) {
    Rig rig;
    auto alice = rig.login();
    // Deeper than PATH_MAX, as only relative steps can make it.
    const auto here = fs::current_path();
    fs::current_path(rig.lab());
    const std::string name(200, 'x');
    for (int i = 0; i < 25; ++i) {
        ASSERT_TRUE(fs::create_directory(name));
        ASSERT_EQ(::chown(name.c_str(), lab_uid, lab_uid), 0);
        fs::current_path(name);
    }
    fs::current_path(here);
    std::string text;
    EXPECT_EQ(rig.retrieve(alice, "LIST -R", text).code, 451) << "it cannot go to the end";
    std::string path;
    for (int i = 0; i < 25; ++i)
        path += "/" + name;
    EXPECT_EQ(alice.control->ask("CWD " + path).code, 553);
    EXPECT_EQ(alice.control->ask("CWD " + path.substr(0, 20 * 201)).code, 250);
    EXPECT_EQ(alice.control->ask("CWD " + name).code, 553) << "not deeper, not elsewhere";
    EXPECT_EQ(alice.control->ask("MKD " + name).code, 553);
    EXPECT_EQ(alice.control->ask("NOOP").code, 200);
    // The way out that the text names.
    EXPECT_EQ(alice.control->ask("RNFR /" + name).code, 350);
    EXPECT_EQ(alice.control->ask("RNTO /short").code, 250);
    for (const auto* step : {"/short", "/short/s2", "/short/s2/s3", "/short/s2/s3/s4"}) {
        ASSERT_EQ(alice.control->ask(std::string("CWD ") + step).code, 250);
        ASSERT_EQ(alice.control->ask("RNFR " + name).code, 350);
        const std::string to =
            std::string("s") + std::to_string(2 + std::count(step, step + std::strlen(step), '/') - 1);
        ASSERT_EQ(alice.control->ask("RNTO " + to).code, 250);
    }
    std::string deepest = "/short/s2/s3/s4/s5";
    for (int i = 5; i < 25; ++i)
        deepest += "/" + name;
    ASSERT_EQ(deepest.size(), 18 + 20 * 201u);
    EXPECT_EQ(alice.control->ask("CWD " + deepest).code, 250);
}

TEST(Listings, StatOfAPathIsAListing) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/set", "x");
    for (const auto* command : {"STAT -C", "STAT /", "STAT -al", "STAT set", "STAT se*"}) {
        const auto reply = alice.control->ask(command);
        EXPECT_EQ(reply.code, 213) << command;
        EXPECT_NE(reply.text.find(" set\r\n"), std::string::npos) << reply.text;
        EXPECT_EQ(lines_in(reply.text), 3) << reply.text;
    }
    EXPECT_EQ(alice.control->ask("STAT nowhere").code, 550);
    EXPECT_EQ(alice.control->ask("STAT").code, 211);
}

// Taken out (OPTS MLST changes nothing): this fails.
TEST(Listings, MlstSelectsFactsAsRfc3659Says) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/set", "xyz");
    EXPECT_EQ(alice.control->ask("OPTS MLST size;type;nonsense;").text, "200 MLST OPTS type;size;\r\n");
    EXPECT_NE(
        alice.control->ask("FEAT").text.find(" MLST type*;size*;modify;create;perm;unique;UNIX.mode;\r\n"),
        std::string::npos);
    EXPECT_EQ(alice.control->ask("MLST set").text, "250-Facts:\r\n type=file;size=3; /set\r\n250 End\r\n");
    EXPECT_EQ(listed(rig, alice, "MLSD"), "type=file;size=3; set\r\n");
    EXPECT_EQ(alice.control->ask("OPTS MLST").text, "200 MLST OPTS\r\n");
    EXPECT_EQ(listed(rig, alice, "MLSD"), " set\r\n");
    EXPECT_EQ(alice.control->ask("MLST").text, "250-Facts:\r\n  /\r\n250 End\r\n");
    EXPECT_EQ(alice.control->ask("MLST nowhere").code, 550);
    Rig::epsv(*alice.control);
    EXPECT_EQ(alice.control->ask("MLSD set").code, 501);
}

/// Does what each letter of the perm fact promises, and what its absence denies.
// Taken out (every letter for everything): this fails.
TEST(Listings, PermIsTrue) {
    Rig rig;
    auto alice = rig.login();
    const auto mode = [&rig](const std::string& path, mode_t bits) {
        ASSERT_EQ(::chmod((rig.lab().string() + path).c_str(), bits), 0);
    };
    const auto perm = [&alice](const std::string& path) {
        const auto text = alice.control->ask("MLST " + path).text;
        const auto at = text.find("perm=") + 5;
        return text.substr(at, text.find(';', at) - at);
    };
    const auto may = [&](const std::string& path, char letter) {
        return perm(path).find(letter) != std::string::npos;
    };
    std::string text;
    for (const mode_t directory_bits : {0770, 0570, 0370, 0470}) {
        for (const mode_t file_bits : {0660, 0060, 0460}) {
            make_directory(rig, "/d");
            make_directory(rig, "/d/empty");
            rig.write_as_pod("/d/f", "x");
            mode("/d/f", file_bits);
            mode("/d", directory_bits);
            const auto what = perm("/d") + " " + perm("/d/f");
            const bool can_look = alice.control->ask("SIZE d/f").code == 213;
            EXPECT_EQ(alice.control->ask("CWD d").code == 250, may("/d", 'e')) << what;
            alice.control->ask("CWD /");
            EXPECT_EQ(rig.retrieve(alice, "MLSD d", text).code == 226, may("/d", 'l')) << what;
            EXPECT_EQ(alice.control->ask("MKD d/new").code == 257, may("/d", 'm')) << what;
            EXPECT_EQ(rig.store(alice, "STOR d/created", "x").code == 226, may("/d", 'c')) << what;
            if (can_look) {
                EXPECT_EQ(rig.retrieve(alice, "RETR d/f", text).code == 226, may("/d/f", 'r')) << what;
                EXPECT_EQ(rig.store(alice, "APPE d/f", "y").code == 226, may("/d/f", 'a')) << what;
                mode("/d/f", file_bits);
                EXPECT_EQ(rig.store(alice, "STOR d/f", "y").code == 226, may("/d/f", 'w')) << what;
                const bool renames = may("/d/f", 'f'), removes = may("/d/empty", 'd');
                EXPECT_EQ(alice.control->ask("RMD d/empty").code == 250, removes) << what;
                ASSERT_EQ(alice.control->ask("RNFR d/f").code, 350);
                EXPECT_EQ(alice.control->ask("RNTO d/g").code == 250, renames) << what;
            }
            mode("/d", 0770);
            fs::remove_all(rig.lab() / "d");
        }
    }
    EXPECT_EQ(perm("/"), "celmp");
    EXPECT_EQ(alice.control->ask("RMD /").code, 550);
}

}  // namespace stowage::ftps::rig
