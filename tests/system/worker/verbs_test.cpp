// Verbs beyond RFC 959's core: FEAT is true; STOU, MFF, CSID; hostile lines and numbers.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "tests/system/worker/rig.hpp"

namespace stowage::ftps::rig {

namespace {

/// The words of FEAT's or HELP's lines.
std::vector<std::string> inner_lines(const std::string& reply) {
    std::vector<std::string> lines;
    std::istringstream text(reply);
    for (std::string line; std::getline(text, line);)
        if (line.starts_with(' ')) lines.push_back(line.substr(1, line.size() - 2));
    return lines;
}

std::string first_word(const std::string& line) {
    return line.substr(0, line.find(' '));
}

}  // namespace

// Taken out (FEAT names XSHA512 too): this fails.
TEST(Verbs, EveryFeatureIsThere) {
    Rig rig;
    auto alice = rig.login();
    const auto features = inner_lines(alice.control->ask("FEAT").text);
    ASSERT_GT(features.size(), 12u);
    for (const auto& feature : features) {
        auto command = first_word(feature);
        if (command == "TVFS") command = "CWD /../.";
        if (command == "UTF8") command = "OPTS UTF8 ON";
        // Without an argument, some say what they want: 501. 500, 502 and 504 say that a verb is not there.
        const auto reply = alice.control->ask(command);
        EXPECT_TRUE(reply.code < 400 || reply.code == 501 || reply.code == 503)
            << feature << ": " << reply.text;
    }
}

// Taken out (FEAT leaves AVBL out): this fails.
TEST(Verbs, EveryVerbThatBelongsInFeatIsInIt) {
    // RFC 959, 1123, 2389; MLSD stands under MLST (RFC 3659 §7.8).
    const std::set<std::string> unannounced = {"USER", "PASS", "ACCT", "CWD",  "CDUP", "QUIT", "PORT", "PASV",
                                               "TYPE", "STRU", "MODE", "RETR", "STOR", "STOU", "APPE", "ALLO",
                                               "REST", "RNFR", "RNTO", "ABOR", "DELE", "RMD",  "MKD",  "PWD",
                                               "LIST", "NLST", "SITE", "SYST", "STAT", "HELP", "NOOP", "XCWD",
                                               "XCUP", "XMKD", "XRMD", "XPWD", "FEAT", "OPTS", "MLSD"};
    Rig rig;
    auto alice = rig.login();
    std::set<std::string> announced;
    for (const auto& feature : inner_lines(alice.control->ask("FEAT").text))
        announced.insert(first_word(feature));
    std::string words;
    for (const auto& line : inner_lines(alice.control->ask("HELP").text))
        words += line + " ";
    std::istringstream verbs(words);
    for (std::string verb; verbs >> verb;)
        EXPECT_TRUE(unannounced.contains(verb) || announced.contains(verb)) << verb;
    EXPECT_TRUE(announced.contains("REST"));
}

TEST(Verbs, HelpOnOneVerbSaysHowItIsWritten) {
    Rig rig;
    auto alice = rig.login();
    EXPECT_EQ(inner_lines(alice.control->ask("HELP hash").text), std::vector<std::string>{"HASH path"});
    EXPECT_EQ(inner_lines(alice.control->ask("HELP RANG").text), std::vector<std::string>{"RANG first last"});
    EXPECT_EQ(inner_lines(alice.control->ask("HELP PWD").text), std::vector<std::string>{"PWD"});
    EXPECT_EQ(alice.control->ask("HELP NOTHING").code, 504);
}

// Taken out ("FILE: " in the 150): this fails.
TEST(Verbs, StouNamesTheFileInThe150) {
    Rig rig;
    auto alice = rig.login();
    ASSERT_EQ(alice.control->ask("MKD dir").code, 257);
    ASSERT_EQ(alice.control->ask("CWD dir").code, 250);
    std::set<std::string> names;
    for (const auto* command : {"STOU", "STOU", "STOU set", "STOU set", "STOU /top"}) {
        alice.control->ask("REST 0");
        Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
        const auto opened = alice.control->ask(command);
        ASSERT_EQ(opened.text.substr(0, 10), "150 FILE: ");
        const auto name = opened.text.substr(10, opened.text.size() - 12);
        ASSERT_TRUE(data.handshake());
        data.write(name);
        data.finish();
        EXPECT_EQ(alice.control->read().code, 226);
        EXPECT_EQ(rig.content(name), name);
        names.insert(name);
    }
    EXPECT_EQ(names.size(), 5u);
    EXPECT_TRUE(names.contains("/dir/set") && names.contains("/dir/set.1") && names.contains("/top"));
    EXPECT_EQ(rig.staged(), 0u);
}

// Without may_replace the pod's file would be lost.
// Taken out (Partials::publish() asks nobody): this fails.
TEST(Verbs, StouReplacesNothingThatCameMeanwhile) {
    Rig rig;
    auto alice = rig.login(), bob = rig.login("bob");
    Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
    ASSERT_EQ(alice.control->ask("STOU set").code, 150);
    ASSERT_TRUE(data.handshake());
    data.write("alice's");
    Data other(Rig::epsv(*bob.control), "127.0.0.1", mint(rig.key(), bob.nonce, tls13), tls13);
    EXPECT_EQ(bob.control->ask("STOU set").text, "150 FILE: /set.1\r\n");
    other.handshake();
    other.finish();
    EXPECT_EQ(bob.control->read().code, 226);
    rig.write_as_pod("/set", "a pod's");
    data.finish();
    EXPECT_EQ(alice.control->read().code, 550);
    EXPECT_EQ(rig.content("/set"), "a pod's");
}

// Taken out one by one (the mode is set; what the reply says of it): each fails.
TEST(Verbs, MffSetsTimeAndMode) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/a set", "x");
    EXPECT_EQ(alice.control->ask("MFF modify=20200102030405;unix.mode=0640; a set").text,
              "213 Modify=20200102030405;UNIX.mode=0640; a set\r\n");
    EXPECT_EQ(alice.control->ask("MDTM a set").text, "213 20200102030405\r\n");
    struct stat seen {};
    ASSERT_EQ(::stat((rig.lab() / "a set").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0640u);
    for (const auto* bad :
         {"MFF", "MFF modify=2020; a set", "MFF modify=20200102030405 a set", "MFF modify; a set",
          "MFF UNIX.mode=0999; a set", "MFF UNIX.mode=; a set", "MFF modify=20200102030405;"})
        EXPECT_EQ(alice.control->ask(bad).code, 501) << bad;
    // What others get is nothing, and the reply does not say otherwise.
    EXPECT_EQ(alice.control->ask("MFF UNIX.mode=4777; a set").text, "213 UNIX.mode=0770; a set\r\n");
    EXPECT_EQ(alice.control->ask("MFF UNIX.owner=root; a set").code, 504);
    EXPECT_EQ(alice.control->ask("MFF UNIX.mode=0600; nowhere").code, 550);
    EXPECT_EQ(alice.control->ask("MFMT 20210102030405 a set").text, "213 Modify=20210102030405; a set\r\n");
}

// Taken out (UTIME sets nothing): this fails.
TEST(Verbs, SiteUtimeHasTwoForms) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/a set", "x");
    EXPECT_EQ(alice.control->ask("SITE UTIME 202001020304 a set").code, 200);
    EXPECT_EQ(alice.control->ask("MDTM a set").text, "213 20200102030400\r\n");
    EXPECT_EQ(alice.control->ask("SITE UTIME 20210102030405 a set").code, 200);
    EXPECT_EQ(alice.control->ask("MDTM a set").text, "213 20210102030405\r\n");
    EXPECT_EQ(alice.control->ask("site utime a set 20200101000000 20220102030405 20200101000000 utc").code,
              200);
    EXPECT_EQ(alice.control->ask("MDTM a set").text, "213 20220102030405\r\n");
    for (const auto* bad :
         {"SITE UTIME", "SITE UTIME 2020", "SITE UTIME 202001020304", "SITE UTIME a set",
          "SITE UTIME a set 20200101 20200101 20200101 UTC", "SITE UTIME 20201302030405 a set"})
        EXPECT_EQ(alice.control->ask(bad).code, 501) << bad;
    EXPECT_EQ(alice.control->ask("SITE UTIME 202001020304 nowhere").code, 550);
}

// Taken out (it names SITE IDLE too): this fails.
TEST(Verbs, SiteHelpNamesWhatSiteCanDo) {
    Rig rig;
    auto alice = rig.login();
    const auto all = alice.control->ask("SITE HELP");
    EXPECT_EQ(all.code, 214);
    for (const auto& line : inner_lines(all.text)) {
        const auto command = line.substr(5, line.find(' ', 5) - 5);
        const auto reply = alice.control->ask("SITE " + command);
        EXPECT_NE(reply.code, 504) << line << ": " << reply.text;
        EXPECT_EQ(inner_lines(alice.control->ask("SITE HELP " + command).text),
                  std::vector<std::string>{line});
    }
    EXPECT_EQ(alice.control->ask("SITE HELP NOTHING").code, 504);
    EXPECT_EQ(alice.control->ask("SITE NOTHING").code, 504);
}

// Taken out (CSID tells a version): this fails.
TEST(Verbs, ClientsMayIntroduceThemselves) {
    Rig rig;
    auto alice = rig.login();
    EXPECT_EQ(alice.control->ask("CLNT FileZilla").code, 200);
    EXPECT_EQ(alice.control->ask("CSID Name=x; Version=1;").text,
              "200 Name=Stowage; CaseSensitive=1; DirSep=/;\r\n");
    EXPECT_EQ(alice.control->ask("CLNT " + std::string(8000, 'x')).code, 200);
    EXPECT_EQ(alice.control->ask("OPTS UTF8 ON").code, 200);
    EXPECT_EQ(alice.control->ask("OPTS utf-8").code, 200);
    EXPECT_EQ(alice.control->ask("OPTS UTF8 OFF").code, 504);
}

// Taken out (the end of a long line is read as a command): this fails.
TEST(Verbs, AnOverlongLineIsOne500AndHidesNoCommand) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/x", "kept");
    for (const std::string hidden : {"DELE x", "\rDELE x", "\r\0DELE x"}) {
        std::string line(100'000, 'A');
        for (const std::size_t at : {1000u, 8186u, 8192u, 16384u, 65536u, 99'000u})
            line.replace(at, hidden.size(), hidden);
        for (std::size_t at = 0; at < line.size(); at += 10'000)
            alice.control->send_raw(line.substr(at, 10'000));
        // Its end comes by itself, as a command would.
        alice.control->send_raw(hidden + "\r\n");
        EXPECT_EQ(alice.control->read().code, 500);
        EXPECT_EQ(alice.control->ask("NOOP").code, 200) << "one 500, not more";
        EXPECT_EQ(rig.content("/x"), "kept");
    }
}

// Taken out one by one (the look for NUL, for CR): each fails.
TEST(Verbs, HostileLinesAreOne500Each) {
    using namespace std::string_literals;
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/x", "kept");
    for (const auto& line :
         {"\r\n"s, "\n"s, "DELE x\0y\r\n"s, "DELE\rx\r\n"s, "NOOP\rDELE x\r\n"s, "DELE x\ry\r\n"s,
          "\0DELE x\r\n"s, "\xc4\xc5\xcc\xc5 x\r\n"s, " DELE x\r\n"s, "DELE\tx\r\n"s,
          "D\xff\xff"
          "LE x\r\n"s}) {
        alice.control->send_raw(line);
        EXPECT_EQ(alice.control->read().code, 500) << line;
        EXPECT_EQ(alice.control->ask("NOOP").code, 200) << line;
    }
    EXPECT_EQ(rig.content("/x"), "kept");
    alice.control->send_raw("\xff\xfb\x01NO\xff\xf1OP\n");
    EXPECT_EQ(alice.control->read().code, 200) << "Telnet options and LF alone are borne";
}

// Taken out (parse_offset() takes any number): this fails.
TEST(Verbs, PositionsOutsideTheNumbersAreRefused) {
    Rig rig;
    auto alice = rig.login();
    rig.write_as_pod("/set", "12345");
    for (const auto* number : {"-1", "9223372036854775808", "18446744073709551615", "18446744073709551616",
                               "1e3", "0x10", "+1", " 1", "1 ", "99999999999999999999999999"})
        EXPECT_EQ(alice.control->ask(std::string("REST ") + number).code, 501) << number;
    for (const auto* number : {"-1", "18446744073709551616", "1e3", "x"})
        EXPECT_EQ(alice.control->ask(std::string("ALLO ") + number).code, 501) << number;
    ASSERT_EQ(alice.control->ask("REST 9223372036854775807").code, 350);
    Rig::epsv(*alice.control);
    EXPECT_EQ(alice.control->ask("RETR set").code, 554);
    ASSERT_EQ(alice.control->ask("REST 9223372036854775807").code, 350);
    EXPECT_EQ(alice.control->ask("STOR set").code, 554);
    // A position is good for one transfer, refused ones included.
    EXPECT_EQ(rig.store(alice, "STOR set", "new").code, 226);
    EXPECT_EQ(rig.content("/set"), "new");
}

// Taken out (450 in reply_code()): this fails.
TEST(Verbs, MissingDirectoriesAre550) {
    Rig rig;
    auto alice = rig.login();
    Rig::epsv(*alice.control);
    for (const auto* command : {"CWD no", "LIST no", "NLST no", "MLSD no", "MLST no", "STAT no", "RETR no",
                                "SIZE no", "MDTM no", "DELE no", "RMD no", "RNFR no", "MKD no/x", "STOR no/x",
                                "APPE no/x", "STOU no/x", "MFMT 20200101000000 no", "SITE CHMOD 600 no"})
        EXPECT_EQ(alice.control->ask(command).code, 550) << command;
}

// Word by word: FileZilla, which makes directories from several connections at once, knows this text alone.
// Taken out (refused in the words of every other name): this fails.
TEST(Verbs, ADirectoryThatIsThereIsSaidToExist) {
    Rig rig;
    auto alice = rig.login();
    EXPECT_EQ(alice.control->ask("MKD twice").code, 257);
    EXPECT_EQ(alice.control->ask("MKD twice").text, "550 Directory already exists\r\n");
    rig.write_as_pod("/file", "x");
    const auto reply = alice.control->ask("MKD file");
    EXPECT_EQ(reply.code, 550);
    EXPECT_NE(reply.text.find("choose another name"), std::string::npos) << reply.text;
}

// Taken out (Partials::check_free()), each of these made a directory that the unfinished upload of its name
// hid.
TEST(Verbs, NoDirectoryTakesTheNameOfAnUpload) {
    Rig rig;
    auto alice = rig.login(), bob = rig.login("bob");
    ASSERT_EQ(bob.control->ask("MKD tree").code, 257);
    rig.write_as_pod("/tree/file", "x");
    const auto refuses_all = [&bob](int code) {
        EXPECT_EQ(bob.control->ask("MKD set").code, code);
        EXPECT_EQ(bob.control->ask("RNFR tree").code, 350);
        EXPECT_EQ(bob.control->ask("RNTO set").code, code);
        EXPECT_EQ(bob.control->ask("SITE CPFR tree").code, 350);
        EXPECT_EQ(bob.control->ask("SITE CPTO set").code, code);
        EXPECT_EQ(bob.control->ask("SITE COMMIT tree set").code, code);
        EXPECT_EQ(bob.control->ask("SITE UNPACK tree/file set").code, code);
    };
    {
        Data data(Rig::epsv(*alice.control), "127.0.0.1", mint(rig.key(), alice.nonce, tls13), tls13);
        ASSERT_EQ(alice.control->ask("STOR set").code, 150);
        ASSERT_TRUE(data.handshake());
        data.write("half");
        EXPECT_TRUE(comes_true([&] { return bob.control->ask("SIZE set").text == "213 4\r\n"; }));
        refuses_all(450);
        data.cut();
        ASSERT_EQ(alice.control->read().code, 426);
    }
    refuses_all(550);
    EXPECT_EQ(rig.visible(), (std::vector<std::string>{"tree", "tree/file"}));
    EXPECT_EQ(bob.control->ask("DELE set").code, 250);
    EXPECT_EQ(bob.control->ask("MKD set").code, 257);
}

}  // namespace stowage::ftps::rig
