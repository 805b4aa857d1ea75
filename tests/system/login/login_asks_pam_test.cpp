// One attempt per process, decided by PAM and by nothing else.
#include <crypt.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gateway/base/config.hpp"
#include "gateway/base/ipc.hpp"
#include "gateway/login/pam_attempt.hpp"

namespace stowage::login {
namespace {

using message::LoginOutcome;
using namespace std::string_literals;

class Login : public ::testing::Test {
  protected:
    std::string directory_;

    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "PAM modules read files that only root may read";
        if (!std::filesystem::exists("/lib/x86_64-linux-gnu/security/pam_pwdfile.so") &&
            !std::filesystem::exists("/lib/aarch64-linux-gnu/security/pam_pwdfile.so"))
            GTEST_SKIP() << "libpam-pwdfile is not installed";
        char name[] = "/tmp/stowage-login-test.XXXXXX";
        ASSERT_TRUE(::mkdtemp(name));
        directory_ = name;
        write("passwd", "alice:" + yescrypt("right horse") + "\n");
        service("stowage", "auth required pam_pwdfile.so pwdfile=" + directory_ +
                               "/passwd\naccount required pam_permit.so\n");
    }
    void TearDown() override {
        if (!directory_.empty()) std::filesystem::remove_all(directory_);
    }
    static std::string yescrypt(const char* password) {
        crypt_data data{};
        char salt[CRYPT_GENSALT_OUTPUT_SIZE];
        EXPECT_TRUE(crypt_gensalt_rn("$y$", 0, nullptr, 0, salt, sizeof salt));
        return crypt_r(password, salt, &data);
    }
    void write(const std::string& name, const std::string& text) {
        std::ofstream(directory_ + "/" + name) << text;
        std::filesystem::permissions(directory_ + "/" + name, std::filesystem::perms::owner_read);
    }
    void service(const std::string& name, const std::string& lines) { write(name, lines); }
    void module_service(const std::string& name, const std::string& argument) {
        service(name, "auth required " STOWAGE_TEST_PAM_MODULE " " + argument +
                          "\naccount required " STOWAGE_TEST_PAM_MODULE " " + argument + "\n");
    }
    message::LoginAttempt attempt(const std::string& user, const std::string& password,
                                  const std::string& service_name = "stowage") const {
        message::LoginAttempt a;
        EXPECT_TRUE(a.user.assign(user) && a.password.assign(password) && a.peer.assign("192.0.2.1") &&
                    a.pam_service.assign(service_name) && a.pam_confdir.assign(directory_));
        return a;
    }
    // Starts stowage-login as the supervisor does and returns its answer and exit status.
    std::pair<message::LoginResult, int> run(const message::LoginAttempt& a, int limit_ms = 10000) {
        auto pair = or_throw(ipc::make_pair());
        const auto* folder = std::getenv("STOWAGE_BIN");
        const auto path = std::string(folder ? folder : "build/dev/bin") + "/stowage-login";
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, pair.second.get(), ipc::supervisor_fd);
        char* arguments[] = {const_cast<char*>(path.c_str()), nullptr};
        char* environment[] = {nullptr};
        pid_t pid = -1;
        EXPECT_EQ(::posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments, environment), 0);
        posix_spawn_file_actions_destroy(&actions);
        pair.second.reset();
        const auto config = or_throw(seal("config", to_text({})));
        or_throw(ipc::send(pair.first.get(), a, {config.get()}));
        pollfd wait{pair.first.get(), POLLIN, 0};
        message::LoginResult result;
        const bool answered = ::poll(&wait, 1, limit_ms) == 1;
        if (!answered) ::kill(pid, SIGKILL);
        if (answered) result = or_throw(ipc::receive_as<message::LoginResult>(pair.first.get()));
        int status = 0;
        ::waitpid(pid, &status, 0);
        EXPECT_TRUE(answered);
        return {result, status};
    }
    LoginOutcome outcome(const message::LoginAttempt& a) {
        const auto [result, status] = run(a);
        EXPECT_EQ(status, 0);
        return result.outcome;
    }
};

TEST_F(Login, RightWrongAndUnknown) {
    EXPECT_EQ(outcome(attempt("alice", "right horse")), LoginOutcome::ok);
    EXPECT_EQ(outcome(attempt("alice", "wrong horse")), LoginOutcome::denied);
    EXPECT_EQ(outcome(attempt("alice", "right horse ")), LoginOutcome::denied);
    EXPECT_EQ(outcome(attempt("mallory", "right horse")), LoginOutcome::denied);
    EXPECT_EQ(outcome(attempt("", "right horse")), LoginOutcome::denied);
}

TEST_F(Login, EmptyAndCutPasswordsAreRefusedWhateverPamSays) {
    service("open", "auth required pam_permit.so\naccount required pam_permit.so\n");
    EXPECT_EQ(outcome(attempt("alice", "anything", "open")), LoginOutcome::ok);
    EXPECT_EQ(outcome(attempt("alice", "", "open")), LoginOutcome::denied);
    EXPECT_EQ(outcome(attempt("alice", "right horse\0x"s)), LoginOutcome::denied);
    EXPECT_EQ(outcome(attempt("alice\0x"s, "right horse")), LoginOutcome::denied);
}

TEST_F(Login, AccountModulesHaveASay) {
    service("closed", "auth required pam_permit.so\naccount required pam_deny.so\n");
    EXPECT_EQ(outcome(attempt("alice", "x", "closed")), LoginOutcome::denied);
    module_service("old", "expired");
    EXPECT_EQ(outcome(attempt("alice", "x", "old")), LoginOutcome::expired);
}

TEST_F(Login, QuestionsThatWantToBeSeenAreNotAnswered) {
    module_service("otp", "chatty");
    EXPECT_EQ(outcome(attempt("alice", "x", "otp")), LoginOutcome::denied);
}

TEST_F(Login, MissingServiceIsNamedWithItsRemedy) {
    for (const auto* name : {"absent", "../stowage", ""}) {
        const auto [result, status] = run(attempt("alice", "right horse", name));
        EXPECT_EQ(result.outcome, LoginOutcome::unavailable);
        EXPECT_THAT(result.reason.str(), ::testing::HasSubstr("no PAM service"));
        EXPECT_THAT(result.reason.str(), ::testing::HasSubstr("accounts.pam_service"));
    }
    service("broken", "auth required pam_no_such_module.so\naccount required pam_permit.so\n");
    EXPECT_NE(outcome(attempt("alice", "x", "broken")), LoginOutcome::ok);
    service("no_file", "auth required pam_pwdfile.so pwdfile=/nonexistent\naccount required pam_permit.so\n");
    EXPECT_EQ(outcome(attempt("alice", "x", "no_file")), LoginOutcome::unavailable);
}

TEST_F(Login, HangingModuleIsBounded) {
    module_service("stuck", "hang");
    const auto start = std::chrono::steady_clock::now();
    const auto [result, status] = run(attempt("alice", "x", "stuck"), 34000);
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(result.outcome, LoginOutcome::unavailable);
    EXPECT_THAT(result.reason.str(), ::testing::HasSubstr("did not answer"));
    EXPECT_EQ(status, 0);
    EXPECT_GT(took, std::chrono::seconds(29));
    EXPECT_LT(took, std::chrono::seconds(33));
}

TEST(PamCodes, AreSortedIntoWhatAClientMayKnow) {
    EXPECT_EQ(outcome_of(PAM_SUCCESS), LoginOutcome::ok);
    EXPECT_EQ(outcome_of(PAM_AUTH_ERR), outcome_of(PAM_USER_UNKNOWN));
    EXPECT_EQ(outcome_of(PAM_NEW_AUTHTOK_REQD), LoginOutcome::expired);
    EXPECT_EQ(outcome_of(PAM_AUTHINFO_UNAVAIL), LoginOutcome::unavailable);
    EXPECT_EQ(outcome_of(PAM_ABORT), LoginOutcome::unavailable);
    EXPECT_EQ(outcome_of(12345), LoginOutcome::unavailable);
}

}  // namespace
}  // namespace stowage::login
