// The control socket: who may, what is refused, and that a client's leaving ends nothing. And the ends of the
// process. Runs in: system tests.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>

#include "tests/system/controller/controller_run.hpp"

namespace stowage::controller::testing {
namespace {

using ::testing::HasSubstr;

class ControlSocket : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        if (!reason_to_skip().empty()) return;
        run_ = std::make_unique<ControllerRun>();
        run_->start();
        run_->add_department("lab1");
        EXPECT_TRUE(becomes_true([] { return run_->all_told(); }));
    }
    static void TearDownTestSuite() {
        if (!run_) return;
        EXPECT_EQ(run_->stop(), 0);
        EXPECT_EQ(run_->unexpected_ends(), 0u);
        run_.reset();
    }
    void SetUp() override {
        if (!run_) GTEST_SKIP() << reason_to_skip();
    }

    /// The HTTP status that somebody of these ids gets.
    static unsigned status_as(uid_t uid, gid_t gid, std::vector<gid_t> groups) {
        const pid_t child = ::fork();
        if (child == 0) {
            if (::setgroups(groups.size(), groups.data()) != 0 || ::setresgid(gid, gid, gid) != 0 ||
                ::setresuid(uid, uid, uid) != 0)
                ::_exit(1);
            ::_exit(static_cast<int>(run_->call("GET", "/v1/labs").status / 10));
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? static_cast<unsigned>(WEXITSTATUS(status)) * 10 : 0;
    }
    static HttpAnswer raw(const std::string& bytes) {
        return send_and_read(connect_unix(run_->socket_path()), bytes);
    }

    static std::unique_ptr<ControllerRun> run_;
};

std::unique_ptr<ControllerRun> ControlSocket::run_;

TEST_F(ControlSocket, OnlyRootAndAdminsMay) {
    EXPECT_EQ(status_as(0, 0, {}), 200u);
    EXPECT_EQ(status_as(65534, ControllerRun::admin_gid, {}), 200u);
    EXPECT_EQ(status_as(65534, 65534, {5, ControllerRun::admin_gid}), 200u);
    EXPECT_EQ(status_as(65534, 65534, {5}), 400u) << "403";
    EXPECT_EQ(status_as(ControllerRun::controller_uid, ControllerRun::controller_uid, {}), 400u) << "403";
}

TEST_F(ControlSocket, RefusesWithWords) {
    const auto refusal = [&](const char* method, const char* target, const std::string& body,
                             unsigned status) {
        const auto answer = run_->call(method, target, body);
        EXPECT_EQ(answer.status, status) << method << ' ' << target << ' ' << answer.body;
        return answer.status == 200 ? std::string()
                                    : std::string(answer.json().at("error").at("what").as_string());
    };
    EXPECT_THAT(refusal("POST", "/v1/labs", R"({"name":"../etc"})", 400), HasSubstr("name: "));
    EXPECT_THAT(refusal("POST", "/v1/labs", "x", 400), HasSubstr("JSON"));
    EXPECT_THAT(refusal("GET", "/v1/labs/nosuch", "", 404), HasSubstr("nosuch"));
    EXPECT_THAT(refusal("DELETE", "/v1/labs/nosuch", "", 404), HasSubstr("nosuch"));
    EXPECT_THAT(refusal("POST", "/v1/labs/nosuch/verify", "", 404), HasSubstr("nosuch"));
    EXPECT_THAT(refusal("GET", "/v1/nothing", "", 404), HasSubstr("/v1/nothing"));
    EXPECT_THAT(refusal("PATCH", "/v1/labs", "", 400), HasSubstr("other methods"));
    EXPECT_THAT(
        refusal("POST", "/v1/users", R"({"name":"alice","lab":"nosuch","password":"correct horse"})", 404),
        HasSubstr("nosuch"));
    EXPECT_THAT(refusal("DELETE", "/v1/users/alice", "", 404), HasSubstr("alice"));
    EXPECT_THAT(refusal("POST", "/v1/apply", R"({"users":[{"name":"alice","lab":"nosuch"}]})", 404),
                HasSubstr("nosuch"));
    EXPECT_EQ(run_->call("GET", "/v1/labs").json().at("labs").as_array().size(), 0u);
}

TEST_F(ControlSocket, OutlivesGarbage) {
    EXPECT_EQ(raw("\x16\x03\x01 this is TLS\r\n\r\n").status, 400u);
    EXPECT_EQ(raw("GET / HTTP/1.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n").status, 400u);
    EXPECT_EQ(raw("POST /v1/labs HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n").status, 400u);
    { const auto silent = connect_unix(run_->socket_path()); }
    EXPECT_EQ(run_->call("GET", "/v1/status").status, 200u);
}

// Fails when connections are counted together: then the first seventy of anybody keep out all others.
TEST_F(ControlSocket, OneWhoConnectsAndSaysNothingKeepsNobodyOut) {
    int gone[2], told[2];
    ASSERT_EQ(::pipe2(gone, O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
    Fd leave(gone[1]), wait_for_leave(gone[0]), hear(told[0]), tell(told[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        leave.reset();
        if (::setgroups(0, nullptr) != 0 ||
            ::setresgid(ControllerRun::admin_gid, ControllerRun::admin_gid, ControllerRun::admin_gid) != 0 ||
            ::setresuid(65533, 65533, 65533) != 0)
            ::_exit(1);
        std::vector<Fd> held;
        for (int i = 0; i < 70; ++i) {
            held.push_back(connect_unix(run_->socket_path()));
            (void)!::send(held.back().get(), "POST /", 6, MSG_NOSIGNAL);
        }
        // Taken in their order: the last one's refusal tells that all were looked at.
        char first = 0;
        const bool refused = ::recv(held.back().get(), &first, 1, 0) == 1;
        (void)!::write(tell.get(), refused ? "y" : "n", 1);
        (void)!::read(wait_for_leave.get(), &first, 1);
        ::_exit(0);
    }
    tell.reset();
    char refused = 0;
    EXPECT_EQ(::read(hear.get(), &refused, 1), 1);
    EXPECT_EQ(refused, 'y');
    EXPECT_EQ(run_->call("GET", "/v1/labs").status, 200u) << "root";
    EXPECT_EQ(status_as(65534, ControllerRun::admin_gid, {}), 200u) << "another member";
    EXPECT_EQ(status_as(65533, ControllerRun::admin_gid, {}), 500u) << "503";
    leave.reset();
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(becomes_true([] { return status_as(65533, ControllerRun::admin_gid, {}) == 200u; }));
}

TEST_F(ControlSocket, StatusTellsWhatThereIs) {
    const auto status = run_->call("GET", "/v1/status").json();
    EXPECT_FALSE(status.at("version").as_string().empty());
    EXPECT_TRUE(status.at("runai").at("configured").as_bool());
    EXPECT_EQ(status.at("nfs").at("server"), "ganesha");
    EXPECT_TRUE(status.at("processes").is_array());
}

TEST_F(ControlSocket, AClientThatLeavesEndsNothing) {
    {
        const auto socket = connect_unix(run_->socket_path());
        const std::string body = R"({"name":"lab1","clients":["127.0.0.0/8"]})";
        const auto request =
            fmt::format("POST /v1/labs HTTP/1.1\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
        ASSERT_EQ(::write(socket.get(), request.data(), request.size()),
                  static_cast<ssize_t>(request.size()));
        char first = 0;
        ASSERT_EQ(::read(socket.get(), &first, 1), 1) << "the answer has begun";
    }
    EXPECT_TRUE(run_->reaches("lab1", "ready"));
    EXPECT_TRUE(run_->call("POST", "/v1/labs/lab1/verify").result().at("ok").as_bool());
}

TEST_F(ControlSocket, UsersComeAndGo) {
    // CTest runs each test in a process of its own; in one process the lab may be there already (409).
    (void)run_->call("POST", "/v1/labs", R"({"name":"lab1","clients":["127.0.0.0/8"]})");
    ASSERT_TRUE(run_->reaches("lab1", "ready"));
    const auto alice = R"({"name":"alice","lab":"lab1","password":"correct horse"})";
    EXPECT_EQ(run_->call("POST", "/v1/users", alice).status, 200u);
    EXPECT_EQ(run_->call("POST", "/v1/users", alice).status, 409u);
    const auto first = run_->password_file_text();
    EXPECT_EQ(run_->call("PUT", "/v1/users/alice/password", R"({"password":"another horse"})").status, 200u);
    EXPECT_NE(run_->password_file_text(), first);
    EXPECT_THAT(run_->call("GET", "/v1/users?lab=lab1").body, HasSubstr("alice"));
    EXPECT_EQ(run_->call("DELETE", "/v1/users/alice").status, 200u);
    EXPECT_EQ(run_->accounts().count("alice"), 0u);
    EXPECT_THAT(run_->password_file_text(), ::testing::Not(HasSubstr("alice")));
}

TEST_F(ControlSocket, ASecondControllerOnTheSameStateEndsWith78) {
    EXPECT_EQ(run_->run_another(), 78);
    EXPECT_EQ(run_->call("GET", "/v1/status").status, 200u);
}

TEST_F(ControlSocket, TheProcessHasOnlyItsRights) {
    std::ifstream file(fmt::format("/proc/{}/status", run_->pid()));
    const std::string status(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(status, HasSubstr("Uid:\t699999\t699999\t699999\t699999"));
    EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
    EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
    EXPECT_THAT(status, HasSubstr("CapEff:\t0000000000000400"));
    EXPECT_THAT(status, HasSubstr("CapBnd:\t0000000000000400"));
}

}  // namespace
}  // namespace stowage::controller::testing
