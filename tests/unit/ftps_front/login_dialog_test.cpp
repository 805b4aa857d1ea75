// What can be said before the login, in any order.
#include "ftps/front/login_dialog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stowage::ftps {
namespace {

using Next = LoginDialog::Next;
using message::LoginOutcome;
using testing::StartsWith;

LoginDialog::Step say(LoginDialog& dialog, std::string verb, std::string argument = "") {
    Command command{std::move(verb), std::move(argument)};
    return dialog.on(command);
}

std::string code_of(const LoginDialog::Step& step) {
    return step.reply.substr(0, 3);
}

// Taken out (a password in clear text is kept): this fails.
TEST(LoginDialog, NothingSecretWithoutTls) {
    LoginDialog dialog(false);
    EXPECT_EQ(code_of(say(dialog, "USER", "alice")), "530");
    EXPECT_EQ(code_of(say(dialog, "PASS", "secret")), "530");
    EXPECT_TRUE(dialog.password().empty());
    EXPECT_EQ(code_of(say(dialog, "PBSZ", "0")), "503");
    EXPECT_EQ(code_of(say(dialog, "PROT", "P")), "503");
}

// Taken out (AUTH under TLS begins anew): this fails.
TEST(LoginDialog, AuthTlsOnlyOnce) {
    LoginDialog dialog(false);
    EXPECT_EQ(code_of(say(dialog, "AUTH", "SSL")), "504");
    EXPECT_EQ(code_of(say(dialog, "AUTH", "TLS ")), "504");
    EXPECT_EQ(code_of(say(dialog, "AUTH", "GSSAPI")), "504");
    const auto step = say(dialog, "AUTH", "tls-c");
    EXPECT_EQ(step.next, Next::start_tls);
    EXPECT_EQ(code_of(step), "234");
    dialog.tls_started();
    EXPECT_EQ(code_of(say(dialog, "AUTH", "TLS")), "503");
    LoginDialog implicit(true);
    EXPECT_EQ(code_of(say(implicit, "AUTH", "TLS")), "503");
}

// Taken out one by one (the command's copy of the password is wiped; USER comes before PASS): each fails.
TEST(LoginDialog, UserAndPassword) {
    LoginDialog dialog(true);
    EXPECT_EQ(code_of(say(dialog, "PASS", "x")), "503");
    EXPECT_EQ(code_of(say(dialog, "USER")), "501");
    EXPECT_EQ(code_of(say(dialog, "USER", "alice")), "331");
    Command pass{"PASS", " two blanks "};
    EXPECT_EQ(dialog.on(pass).next, Next::log_in);
    EXPECT_EQ(pass.argument.find_first_not_of('\0'), std::string::npos) << "the password was not wiped";
    EXPECT_EQ(dialog.user(), "alice");
    EXPECT_EQ(dialog.password().reveal(), " two blanks ");
}

// Taken out one by one (the empty password; all of `possible`): each fails.
TEST(LoginDialog, WhatCannotBeRightIsRefusedLater) {
    for (const auto& [user, password] :
         std::vector<std::pair<std::string, std::string>>{{"alice", ""},
                                                          {"al ice", "x"},
                                                          {"a'b", "x"},
                                                          {"alice", std::string(513, 'x')},
                                                          {std::string(65, 'a'), "x"}}) {
        LoginDialog dialog(true);
        EXPECT_EQ(code_of(say(dialog, "USER", user)), "331");
        EXPECT_EQ(say(dialog, "PASS", password).next, Next::refuse) << user;
    }
}

TEST(LoginDialog, ThirdRefusalCloses) {
    LoginDialog dialog(true);
    for (int i = 1; i <= 3; ++i) {
        (void)say(dialog, "USER", "alice");
        (void)say(dialog, "PASS", "x");
        const auto step = dialog.refused(LoginOutcome::denied, "");
        EXPECT_THAT(step.reply, StartsWith("530 "));
        EXPECT_EQ(step.next, i < 3 ? Next::go_on : Next::close);
        EXPECT_EQ(code_of(say(dialog, "PASS", "x")), "503") << "USER must be said again";
    }
}

// Taken out (the reason of a refusal is told): this fails.
TEST(LoginDialog, RefusalsTellNothingButWhatTheyMust) {
    LoginDialog a(true), b(true), c(true), d(true);
    EXPECT_EQ(a.refused(LoginOutcome::denied, "no such user").reply,
              b.refused(LoginOutcome::denied, "").reply);
    EXPECT_THAT(c.refused(LoginOutcome::unavailable, "lab is away\r\n230 forged").reply,
                "421-lab is away\r\n421 230 forged\r\n");
    EXPECT_EQ(d.refused(LoginOutcome::busy, "").next, Next::close);
}

// Taken out (PROT C is 200): this fails.
TEST(LoginDialog, ProtectionIsRemembered) {
    LoginDialog dialog(false);
    dialog.tls_started();
    EXPECT_EQ(code_of(say(dialog, "PROT", "P")), "503");
    EXPECT_EQ(code_of(say(dialog, "PBSZ", "-1")), "501");
    EXPECT_EQ(code_of(say(dialog, "PBSZ", "0")), "200");
    EXPECT_EQ(code_of(say(dialog, "PROT", "C")), "534");
    EXPECT_EQ(code_of(say(dialog, "PROT", "S")), "536");
    EXPECT_EQ(code_of(say(dialog, "PROT", "X")), "504");
    EXPECT_FALSE(dialog.prot_private());
    EXPECT_EQ(code_of(say(dialog, "PROT", "p")), "200");
    EXPECT_TRUE(dialog.prot_private());
    EXPECT_TRUE(LoginDialog(true).prot_private());
}

TEST(LoginDialog, BrowsersAreLeftAlone) {
    for (const auto* verb : {"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "PROPFIND"}) {
        LoginDialog dialog(true);
        const auto step = say(dialog, verb, "/ HTTP/1.1");
        EXPECT_EQ(step.next, Next::close);
        EXPECT_EQ(step.reply, "");
    }
}

TEST(LoginDialog, SmallTalk) {
    LoginDialog dialog(true);
    for (const auto& [verb, argument, code] : std::vector<std::array<std::string, 3>>{
             {"NOOP", "", "200"},
             {"SYST", "", "215"},
             {"FEAT", "", "211"},
             {"HELP", "", "214"},
             {"STAT", "", "211"},
             {"CLNT", "x", "200"},
             {"HOST", "x", "504"},
             {"OPTS", "utf8 on", "200"},
             {"CSID", "x", "200 Name=Stowage; CaseSensitive=1; DirSep=/;"},
             {"OPTS", "utf8 off", "504"},
             {"OPTS", "MLST type", "501"},
             {"LIST", "", "530"},
             {"STOR", "x", "530"},
             {"XYZZY", "", "530"},
             {"REIN", "", "530"},
             {"QUIT", "", "221"}})
        EXPECT_THAT(say(dialog, verb, argument).reply, StartsWith(code)) << verb;
    EXPECT_THAT(say(dialog, "FEAT").reply, testing::HasSubstr("\r\n UTF8\r\n"));
}

// RFC 7151 §3: 220, 504 for a name of somebody else, 501 for what is no name, 503 once USER was said.
TEST(LoginDialog, HostIsTheCertificatesAndComesBeforeUser) {
    const auto answers = [](std::string_view host) {
        return host == "storage.example" || host == "2001:db8::1";
    };
    for (const bool implicit : {false, true}) {
        LoginDialog dialog(implicit, true, answers);
        EXPECT_EQ(code_of(say(dialog, "HOST", "Storage.Example")), "220");
        EXPECT_EQ(code_of(say(dialog, "HOST", "[2001:DB8::1]")), "220");
        EXPECT_EQ(code_of(say(dialog, "HOST", "bank.example")), "504");
        for (const auto* bad : {"", "2001:db8::1", "storage.example:21", "[]", "a b", "[storage.example]"})
            EXPECT_EQ(code_of(say(dialog, "HOST", bad)), "501") << bad;
        EXPECT_EQ(code_of(say(dialog, "HOST", std::string(300, 'a'))), "501");
        dialog.tls_started();
        EXPECT_EQ(code_of(say(dialog, "HOST", "storage.example")), "220");
        (void)say(dialog, "USER", "alice");
        EXPECT_EQ(code_of(say(dialog, "HOST", "storage.example")), "503");
        (void)say(dialog, "PASS", "x");
        (void)dialog.refused(LoginOutcome::denied, "");
        EXPECT_EQ(code_of(say(dialog, "HOST", "storage.example")), "220");
    }
}

TEST(LoginDialog, HostIsTheNameThatTlsWasStartedFor) {
    LoginDialog dialog(false, true, [](std::string_view) { return true; });
    dialog.tls_started("Storage.example");
    EXPECT_EQ(code_of(say(dialog, "HOST", "storage.EXAMPLE")), "220");
    EXPECT_EQ(code_of(say(dialog, "HOST", "other.example")), "504");
}

// Taken out (max_lines): this fails.
TEST(LoginDialog, EndlessTalkIsEnded) {
    LoginDialog dialog(true);
    for (int i = 0; i < LoginDialog::max_lines; ++i)
        EXPECT_EQ(dialog.on(CommandReader::BadLine{"x"}).next, Next::go_on);
    EXPECT_EQ(say(dialog, "NOOP").next, Next::close);
}

}  // namespace
}  // namespace stowage::ftps
