// What happens to those who are not logged in.
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "tests/system/front/front_process.hpp"
#include "tests/system/front/ftps_client.hpp"

namespace stowage::testing {
namespace {

using message::LoginOutcome;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;
using namespace std::string_literals;

class Strangers : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "the front starts as root: it enters an empty root directory";
    }
    double seconds_since(Clock::time_point start) const {
        return std::chrono::duration<double>(Clock::now() - start).count();
    }
};

// Taken out one by one (setgroups() in become(), the seccomp filter): each fails.
TEST_F(Strangers, FindNoRightsInTheProcess) {
    const gid_t others[] = {1, 2};  // as the supervisor may have them, from whoever started it
    ASSERT_EQ(::setgroups(std::size(others), others), 0);
    const FrontProcess front;
    std::ifstream file("/proc/" + std::to_string(front.pid()) + "/status");
    const std::string status((std::istreambuf_iterator<char>(file)), {});
    for (const auto* line : {"Uid:\t64123\t64123\t64123\t64123", "Gid:\t64124\t64124\t64124\t64124",
                             "Groups:\t \n", "CapInh:\t0000000000000000", "CapPrm:\t0000000000000000",
                             "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000",
                             "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "Threads:\t1\n"})
        EXPECT_THAT(status, HasSubstr(line));
    char root[256] = {};
    ASSERT_GT(::readlink(("/proc/" + std::to_string(front.pid()) + "/root").c_str(), root, sizeof root - 1),
              0);
    EXPECT_EQ(root, front.run_directory() + "/empty");
}

// Taken out (take_user() asks for no TLS): USER in clear text is answered with 331.
TEST_F(Strangers, MustEncryptFirst) {
    const FrontProcess front;
    FtpsClient client(front.port());
    EXPECT_THAT(client.reply(), StartsWith("220 "));
    EXPECT_THAT(client.command("USER alice"), StartsWith("530 TLS first"));
    EXPECT_THAT(client.command("PASS secret"), StartsWith("530 TLS first"));
    EXPECT_THAT(client.command("LIST"), StartsWith("530 "));
    EXPECT_THAT(client.command("FEAT"), HasSubstr("\r\n AUTH TLS\r\n"));
    EXPECT_THAT(client.command("AUTH TLS"), StartsWith("234 "));
    ASSERT_TRUE(client.start_tls());
    EXPECT_THAT(client.command("USER alice"), StartsWith("331 "));
    EXPECT_THAT(client.command("QUIT"), StartsWith("221 "));
    bool orderly = false;
    EXPECT_TRUE(client.is_closed(&orderly));
    EXPECT_TRUE(orderly);
}

// Taken out (log_in() does not look for bytes behind AUTH): USER of the clear text counts as encrypted.
TEST_F(Strangers, CannotInjectBehindAuth) {
    const FrontProcess front;
    for (const auto* line :
         {"AUTH TLS\r\nUSER mallory\r\n", "AUTH TLS\r\nU", "AUTH TLS\r\n\n", "AUTH TLS\r\n\xff"}) {
        FtpsClient client(front.port());
        (void)client.reply();
        client.send(line);
        EXPECT_EQ(client.reply(), "");
    }
}

// Taken out (no alert for an unknown protocol; x-filezilla-ftp taken when it comes first): each fails here.
TEST_F(Strangers, OfOtherProtocolsAreRefused) {
    const FrontProcess front;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        FtpsClient http(front.port()), filezilla(front.port()), silent(front.port());
        EXPECT_FALSE(http.auth_tls({version, "storage.example", "\x08http/1.1"}));
        EXPECT_THAT(http.error(), HasSubstr("no application protocol"));
        ASSERT_TRUE(filezilla.auth_tls({version, "storage.example",
                                        "\x0fx-filezilla-ftp\x03"
                                        "ftp"}));
        EXPECT_EQ(filezilla.chosen_protocol(), "ftp");
        ASSERT_TRUE(silent.auth_tls({version, "storage.example", ""}));
        EXPECT_EQ(silent.chosen_protocol(), "");
    }
}

// Taken out (HTTP verbs are unknown commands): a reply comes, and what stands behind the verb is read.
TEST_F(Strangers, WhoSpeakHttpAreLeftAlone) {
    const FrontProcess front;
    FtpsClient plain(front.port()), implicit(front.implicit_port());
    (void)plain.reply();
    EXPECT_EQ(plain.command("POST / HTTP/1.1\r\nUSER alice"), "");
    ASSERT_TRUE(implicit.start_tls());
    (void)implicit.reply();
    EXPECT_EQ(implicit.command("GET /USER HTTP/1.1"), "");
}

// Fails when OpenSSL takes what a hello announces: 128 KiB each, for as long as ftps.login_timeout.
TEST_F(Strangers, GetTheMemoryOfARealHello) {
    const FrontProcess front;
    constexpr auto announces_131000_bytes = "\x16\x03\x01\x40\x00\x01\x01\xff\xb8";
    FtpsClient greedy(front.implicit_port());
    greedy.send(std::string(announces_131000_bytes, 9) + std::string(16380, 'x'));
    EXPECT_TRUE(greedy.is_closed());
    // What post-quantum keys may grow to one day.
    std::string protocols =
        "\x03"
        "ftp";
    while (protocols.size() < 25'000)
        protocols += "\xff" + std::string(255, 'x');
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        FtpsClient large(front.implicit_port());
        EXPECT_TRUE(large.start_tls({version, "storage.example", protocols})) << large.error();
    }
}

// Taken out (on_server_name() takes every name): "bank.example" gets its handshake.
TEST_F(Strangers, WhoWantAnotherServerAreRefused) {
    const FrontProcess front;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        FtpsClient wrong(front.port()), none(front.port()), literal(front.implicit_port());
        EXPECT_FALSE(wrong.auth_tls({version, "bank.example"}));
        EXPECT_THAT(wrong.error(), HasSubstr("unrecognized name"));
        EXPECT_TRUE(none.auth_tls({version, ""}));
        EXPECT_TRUE(literal.start_tls({version, "127.0.0.1"}));
    }
}

// RFC 7151 §3, in clear text and under TLS, where it must be the name of the handshake (taken out: 220).
TEST_F(Strangers, MayNameTheHostThatTheyWant) {
    const FrontProcess front;
    FtpsClient client(front.port()), unnamed(front.implicit_port());
    (void)client.reply();
    EXPECT_THAT(client.command("FEAT"), HasSubstr("\r\n HOST\r\n"));
    EXPECT_THAT(client.command("HOST storage.example"), StartsWith("220 "));
    EXPECT_THAT(client.command("HOST 127.0.0.1"), StartsWith("220 "));
    EXPECT_THAT(client.command("HOST bank.example"), StartsWith("504 "));
    EXPECT_THAT(client.command("AUTH TLS"), StartsWith("234 "));
    ASSERT_TRUE(client.start_tls());
    EXPECT_THAT(client.command("HOST 127.0.0.1"), StartsWith("504 "));
    EXPECT_THAT(client.command("HOST storage.example"), StartsWith("220 "));
    EXPECT_THAT(client.command("USER alice"), StartsWith("331 "));
    EXPECT_THAT(client.command("HOST storage.example"), StartsWith("503 "));
    ASSERT_TRUE(unnamed.start_tls({TLS1_3_VERSION, ""}));
    (void)unnamed.reply();
    EXPECT_THAT(unnamed.command("HOST 127.0.0.1"), StartsWith("220 "));
}

// Holds twice: without the lowest version, the ciphers and the security level still refuse TLS 1.1
// (tests/unit/ftps_front/tls_rules_test.cpp takes each by itself).
TEST_F(Strangers, WithOldTlsAreRefused) {
    const FrontProcess front;
    FtpsClient client(front.port());
    EXPECT_FALSE(client.auth_tls({TLS1_1_VERSION, "storage.example", "", TLS1_VERSION}));
}

// Each would be a handshake's work for a few bytes. Taken out (SSL_OP_NO_RENEGOTIATION, and OpenSSL 3's own
// refusal): it is done.
TEST_F(Strangers, CannotRenegotiate) {
    const FrontProcess front;
    FtpsClient client(front.port());
    ASSERT_TRUE(client.auth_tls({TLS1_2_VERSION}));
    EXPECT_FALSE(client.renegotiates());
    EXPECT_THAT(client.error(), HasSubstr("no renegotiation"));
}

// Taken out one by one (an over-long line is not discarded to its end; NUL; bare CR): each fails here.
TEST_F(Strangers, WithBadLinesGetOneReplyEach) {
    const FrontProcess front;
    FtpsClient client(front.port());
    (void)client.reply();
    client.send("STOR " + std::string(100 * 1024, 'x') +
                " DELE x\r\nUS\0ER x\r\n\nNOOP\r\xff\xf4NOOP\r\n\xd5SER x\r\nSYST\r\n"s);
    EXPECT_THAT(client.reply(), StartsWith("500 Not understood: line too long"));
    EXPECT_THAT(client.reply(), StartsWith("500 Not understood: NUL"));
    EXPECT_THAT(client.reply(), StartsWith("500 "));
    EXPECT_THAT(client.reply(), StartsWith("500 Not understood: bare CR"));
    EXPECT_THAT(client.reply(), StartsWith("500 "));
    EXPECT_THAT(client.reply(), StartsWith("215 "));
}

// Taken out (no limit from the beginning to the login): nobody is ever sent away.
TEST_F(Strangers, HaveLimitedTime) {
    const FrontProcess front(Settings{{"ftps.login_timeout", "1s"}});
    const auto start = Clock::now();
    FtpsClient silent(front.port()), half_hello(front.implicit_port()), talking(front.implicit_port());
    (void)silent.reply();
    half_hello.send("\x16\x03\x01\x02"s);
    ASSERT_TRUE(talking.start_tls());
    (void)talking.reply();
    EXPECT_THAT(talking.command("USER alice"), StartsWith("331 "));
    EXPECT_THAT(silent.reply(), StartsWith("421 No login in time"));
    EXPECT_TRUE(silent.is_closed());
    EXPECT_TRUE(half_hello.is_closed());
    EXPECT_THAT(talking.reply(), StartsWith("421 No login in time"));
    EXPECT_TRUE(talking.is_closed());
    EXPECT_GE(seconds_since(start), 0.95);
    EXPECT_LT(seconds_since(start), 3);
}

// Taken out one by one (the time of a refusal; one text for all; hopeless logins are asked about too): each
// fails.
TEST_F(Strangers, LearnNothingFromRefusals) {
    FrontProcess front(Settings{{"ftps.failed_login_time", "1s"}});
    std::vector<std::string> texts;
    const auto attempt = [&](std::string user, std::string password, int delay_ms) {
        FtpsClient client(front.implicit_port());
        ASSERT_TRUE(client.start_tls());
        (void)client.reply();
        EXPECT_THAT(client.command("USER " + user), StartsWith("331 "));
        const auto start = Clock::now();
        client.send("PASS " + password + "\r\n");
        const auto request = front.receive<message::LoginRequest>();
        EXPECT_EQ(request.hopeless != 0, delay_ms < 0) << user;
        if (request.hopeless) {
            EXPECT_EQ(request.password.view(), "");
        }
        EXPECT_TRUE(front.is_silent_for(std::max(delay_ms, 0)));
        front.refuse_login(request, LoginOutcome::denied);
        texts.push_back(client.reply());
        EXPECT_GE(seconds_since(start), 0.99) << user;
        EXPECT_LT(seconds_since(start), 1.6) << user;  // a busy machine; two units would be 2
    };
    attempt("nobody", "x", 0);
    attempt("alice", "wrong", 400);
    attempt("alice", "", -1);
    attempt("al'ice", "x", -1);
    attempt(std::string(1000, 'a'), "x", -1);
    for (const auto& text : texts)
        EXPECT_EQ(text, "530 User or password are not right.\r\n");
}

// Taken out (refusals are not counted): the connection stays.
TEST_F(Strangers, HaveThreeGuesses) {
    FrontProcess front(Settings{{"ftps.failed_login_time", "0s"}});
    FtpsClient client(front.implicit_port());
    ASSERT_TRUE(client.start_tls());
    (void)client.reply();
    for (int i = 0; i < 3; ++i) {
        (void)client.command("USER alice");
        client.send("PASS wrong\r\n");
        front.refuse_login(front.receive<message::LoginRequest>(), LoginOutcome::denied);
        EXPECT_THAT(client.reply(), StartsWith("530 "));
    }
    EXPECT_THAT(client.reply(), StartsWith("421 "));
    EXPECT_TRUE(client.is_closed());
}

// Taken out (the supervisor's text): this fails.
TEST_F(Strangers, AreToldWhenTheLabIsAway) {
    FrontProcess front;
    FtpsClient client(front.implicit_port());
    ASSERT_TRUE(client.start_tls());
    (void)client.reply();
    client.send("USER alice\r\nPASS right\r\n");
    EXPECT_THAT(client.reply(), StartsWith("331 "));
    front.refuse_login(front.receive<message::LoginRequest>(), LoginOutcome::unavailable,
                       "lab1 is being moved");
    EXPECT_EQ(client.reply(), "421 lab1 is being moved\r\n");
    EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace stowage::testing
