// A lab through its life: made once, found again, degraded and mended, refused, deleted.
// Runs in: system tests.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/system/controller/controller_run.hpp"

namespace stowage::controller::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Reconciles : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const auto reason = reason_to_skip(); !reason.empty()) GTEST_SKIP() << reason;
        run_ = std::make_unique<ControllerRun>();
        run_->add_department("lab1");
        run_->start();
    }
    void TearDown() override {
        if (!run_) return;
        EXPECT_EQ(run_->stop(), 0);
        EXPECT_EQ(run_->unexpected_ends(), 0u);
    }

    boost::json::value create() const { return run_->call("POST", "/v1/labs", lab1).result(); }
    boost::json::value apply() const { return run_->call("POST", "/v1/apply", site).result(); }
    /// Everything that a write would change: the database with its log, the stand-in, the lab's own files.
    std::string fingerprint() const {
        std::ostringstream text;
        for (const char* end : {"", "-wal"}) {
            std::ifstream file(run_->database() + end);
            text << std::hash<std::string>()(std::string(std::istreambuf_iterator<char>(file), {})) << ' ';
        }
        text << run_->stand_in("GET", "requests").json().at("writes") << ' ';
        struct stat status {};
        ::stat((run_->config().labs.root + "/lab1").c_str(), &status);
        text << status.st_mtim.tv_sec << '.' << status.st_mtim.tv_nsec;
        return text.str();
    }

    static constexpr auto lab1 = R"({"name":"lab1","clients":["127.0.0.0/8"]})";
    static constexpr auto site =
        R"({"labs":[{"name":"lab1","clients":["127.0.0.0/8"]}],"users":[{"name":"alice","lab":"lab1","password":"correct horse"}]})";
    std::unique_ptr<ControllerRun> run_;
};

TEST_F(Reconciles, CreatesALabVerifiesItAndRegistersIt) {
    const auto result = create();
    ASSERT_TRUE(result.is_object());
    EXPECT_TRUE(result.at("ok").as_bool()) << result;
    EXPECT_TRUE(result.at("converged").as_bool()) << result;
    EXPECT_THAT(run_->take_steps(), ElementsAre("make_directory", "set_quota", "publish_export"));
    const auto lab = run_->lab("lab1");
    EXPECT_EQ(lab.at("state"), "ready");
    EXPECT_GT(lab.at("verified_at").to_number<std::int64_t>(), 0);
    EXPECT_EQ(lab.at("data_source").at("path").as_string(), run_->config().labs.root + "/lab1");
    EXPECT_EQ(lab.at("data_source").at("mount_path"), "/mnt/nfs");
    EXPECT_FALSE(lab.at("data_source").at("read_only").as_bool());
    std::vector<std::string> checks;
    for (const auto& check : lab.at("checks").as_array()) {
        EXPECT_TRUE(check.at("ok").as_bool()) << check;
        checks.emplace_back(check.at("name").as_string());
    }
    EXPECT_THAT(checks, ElementsAre("directory", "quota", "export", "mounted", "wrote", "read back", "owner",
                                    "quota seen", "removed"));
    EXPECT_EQ(run_->call("POST", "/v1/labs", lab1).status, 409u);
}

TEST_F(Reconciles, ASecondApplyWritesNothingAnywhere) {
    ASSERT_TRUE(apply().at("converged").as_bool());
    (void)run_->take_steps();
    const auto before = fingerprint();
    const auto again = run_->call("POST", "/v1/apply", site);
    EXPECT_TRUE(again.result().at("converged").as_bool());
    for (const auto& event : again.events()) {
        if (event.at("event") != "step") continue;
        EXPECT_EQ(event.at("state"), "unchanged") << event;
    }
    EXPECT_THAT(run_->take_steps(), IsEmpty());
    EXPECT_EQ(fingerprint(), before);
    const auto plan = run_->call("POST", "/v1/plan", site).json();
    EXPECT_EQ(plan.at("pending"), 0);
    EXPECT_TRUE(plan.at("new_users").as_array().empty());
    EXPECT_EQ(fingerprint(), before);
}

TEST_F(Reconciles, ANewUserAloneIsAPendingChange) {
    ASSERT_TRUE(apply().at("converged").as_bool());
    const auto plan = run_->call("POST", "/v1/plan", R"({"users":[{"name":"bob","lab":"lab1"}]})").json();
    EXPECT_EQ(plan.at("pending"), 1) << plan;
}

TEST_F(Reconciles, APlanWritesNothingAndSaysWhatApplyWouldDo) {
    const auto plan = run_->call("POST", "/v1/plan", site).json();
    EXPECT_EQ(plan.at("pending"), 7) << plan;
    EXPECT_EQ(plan.at("new_users").at(0), "alice");
    EXPECT_THAT(run_->take_steps(), IsEmpty());
    EXPECT_EQ(run_->lab("lab1"), nullptr);
    EXPECT_TRUE(apply().at("converged").as_bool());
    EXPECT_TRUE(becomes_true([&] { return run_->accounts()["alice"] == "lab1"; }));
}

TEST_F(Reconciles, APlanHasTheOtherLabsWhereOneCannotBeLookedAt) {
    const auto in_the_way = run_->config().run_dir + "/lab-lab2.lock";
    std::filesystem::create_directory(in_the_way);
    const auto plan = run_->call("POST", "/v1/plan", R"({"labs":[{"name":"lab1"},{"name":"lab2"}]})").json();
    std::map<std::string, std::vector<std::string>> kinds;
    for (const auto& step : plan.at("steps").as_array())
        kinds[std::string(step.at("lab").as_string())].emplace_back(
            step.as_object().contains("error") ? "unknown" : step.at("change").as_string());
    EXPECT_THAT(kinds["lab1"], ::testing::Contains("create"));
    EXPECT_THAT(kinds["lab2"], ::testing::ElementsAre("unknown")) << plan;
    std::filesystem::remove(in_the_way);
    EXPECT_EQ(
        run_->call("POST", "/v1/plan", R"({"labs":[{"name":"lab2"}]})").json().at("steps").as_array().size(),
        kinds["lab1"].size());
}

TEST_F(Reconciles, ChangesWhatWasChanged) {
    ASSERT_TRUE(create().at("ok").as_bool());
    (void)run_->take_steps();
    const auto result = run_->call(
        "POST", "/v1/apply", R"({"labs":[{"name":"lab1","clients":["127.0.0.1"],"quota_bytes":1048576}]})");
    EXPECT_TRUE(result.result().at("converged").as_bool()) << result.body;
    EXPECT_THAT(run_->take_steps(), ElementsAre("shut_out", "publish_export"));
    EXPECT_EQ(run_->served("lab1")->quota_bytes, 1048576u);
}

TEST_F(Reconciles, WithoutRunaiTheShareWorksAndTheLabIsDegradedUntilItIsBack) {
    const auto fault = R"({"operation":"any","kind":"error_before","status":503,"count":100000})";
    ASSERT_EQ(run_->stand_in("POST", "faults", fault).status, 200u);
    const auto result = create();
    EXPECT_TRUE(result.at("ok").as_bool()) << result;
    EXPECT_FALSE(result.at("converged").as_bool());
    const auto lab = run_->lab("lab1");
    EXPECT_EQ(lab.at("state"), "degraded");
    EXPECT_THAT(std::string(lab.at("why").as_string()), HasSubstr("Run:ai cannot be reached"));
    EXPECT_GT(lab.at("verified_at").to_number<std::int64_t>(), 0);
    EXPECT_TRUE(run_->served("lab1"));
    ASSERT_EQ(run_->stand_in("DELETE", "faults").status, 200u);
    EXPECT_TRUE(run_->reaches("lab1", "ready")) << "by itself";
    EXPECT_EQ(run_->data_sources_named("lab1-nfs"), 1u);
}

TEST_F(Reconciles, AForeignDirectoryIsRefusedAndLeftAlone) {
    const auto directory = run_->config().labs.root + "/lab1";
    std::filesystem::create_directory(directory);
    std::ofstream(directory + "/thesis.tex") << "mine";
    for (const auto& [target, body] : {std::pair{"/v1/labs", lab1}, {"/v1/apply", site}}) {
        const auto answer = run_->call("POST", target, body);
        EXPECT_EQ(answer.status, 409u) << answer.body;
        EXPECT_THAT(answer.body, HasSubstr(directory));
        EXPECT_THAT(answer.body, HasSubstr("move that directory away"));
    }
    EXPECT_EQ(run_->lab("lab1"), nullptr) << "nothing is stored";
    EXPECT_TRUE(run_->call("GET", "/v1/users").json().at("users").as_array().empty());
    EXPECT_THAT(run_->take_steps(), IsEmpty());
    EXPECT_EQ(run_->data_sources_named("lab1-nfs"), 0u);
    EXPECT_FALSE(run_->served("lab1"));
    EXPECT_TRUE(std::filesystem::exists(directory + "/thesis.tex"));
    // Out of the way, the lab can be made; what comes into its place later is explained, and left alone.
    std::filesystem::rename(directory, directory + ".away");
    ASSERT_TRUE(create().at("ok").as_bool());
}

TEST_F(Reconciles, UsersLeftHalfWayByAFailedStepGoOutLater) {
    ASSERT_TRUE(apply().at("converged").as_bool());
    ASSERT_THAT(run_->password_file_text(), HasSubstr("alice:"));
    const auto passwords = run_->config().accounts.password_file;
    std::filesystem::rename(passwords, passwords + ".away");
    std::filesystem::create_directory(passwords);
    EXPECT_NE(run_->call("DELETE", "/v1/users/alice").status, 200u);
    EXPECT_THAT(run_->call("GET", "/v1/users").body, ::testing::Not(HasSubstr("alice")));
    std::filesystem::remove(passwords);
    std::filesystem::rename(passwords + ".away", passwords);
    EXPECT_TRUE(becomes_true([&] { return run_->password_file_text().find("alice:") == std::string::npos; }))
        << "by a later pass, without a restart";
}

TEST_F(Reconciles, RefusesToDeleteWhileTheDataSourceIsInUse) {
    ASSERT_TRUE(create().at("ok").as_bool());
    ASSERT_EQ(run_->stand_in("POST", "used_by", R"({"name":"lab1-nfs","workspaces":["jupyter-1"]})").status,
              200u);
    const auto refused = run_->call("DELETE", "/v1/labs/lab1?purge_data=1&confirm=lab1").result();
    EXPECT_FALSE(refused.at("ok").as_bool());
    EXPECT_EQ(refused.at("error").at("code"), "in_use");
    EXPECT_THAT(std::string(refused.at("error").at("what").as_string()), HasSubstr("jupyter-1"));
    EXPECT_EQ(run_->lab("lab1").at("state"), "ready");
    ASSERT_EQ(run_->stand_in("POST", "used_by", R"({"name":"lab1-nfs","workspaces":[]})").status, 200u);
    EXPECT_TRUE(run_->call("DELETE", "/v1/labs/lab1?purge_data=1&confirm=lab1").result().at("ok").as_bool());
    EXPECT_EQ(run_->data_sources_named("lab1-nfs"), 0u);
}

TEST_F(Reconciles, RefusesToDeleteWhenUseCannotBeKnown) {
    ASSERT_TRUE(create().at("ok").as_bool());
    ASSERT_EQ(
        run_->stand_in("POST", "faults", R"({"operation":"any","kind":"drop_before","count":1000})").status,
        200u);
    const auto refused = run_->call("DELETE", "/v1/labs/lab1").result();
    EXPECT_FALSE(refused.at("ok").as_bool());
    EXPECT_THAT(std::string(refused.at("error").at("what").as_string()), HasSubstr("is not known"));
    EXPECT_NE(run_->lab("lab1").at("state"), "deleting");
    (void)run_->stand_in("DELETE", "faults");
}

TEST_F(Reconciles, PurgesOnlyWhenTheNameIsRepeated) {
    ASSERT_TRUE(create().at("ok").as_bool());
    EXPECT_EQ(run_->call("DELETE", "/v1/labs/lab1?purge_data=1&confirm=lab2").status, 400u);
    EXPECT_EQ(run_->call("DELETE", "/v1/labs/lab1?purge_data=1").status, 400u);
    EXPECT_EQ(run_->lab("lab1").at("state"), "ready");
}

TEST_F(Reconciles, PurgesWhatADeletedLabLeftWhenItBearsItsMark) {
    ASSERT_TRUE(create().at("ok").as_bool());
    const auto directory = run_->config().labs.root + "/lab1";
    constexpr auto purge = "/v1/labs/lab1?purge_data=1&confirm=lab1";
    const auto kept = run_->call("DELETE", "/v1/labs/lab1").result();
    ASSERT_TRUE(kept.at("ok").as_bool()) << kept;
    EXPECT_THAT(std::string(kept.at("summary").as_string()),
                HasSubstr("stowage lab delete lab1 --purge-data"));
    const auto again = run_->call("DELETE", "/v1/labs/lab1");
    EXPECT_EQ(again.status, 404u);
    EXPECT_THAT(again.body, HasSubstr("--purge-data"));
    EXPECT_EQ(run_->call("DELETE", "/v1/labs/lab1?purge_data=1").status, 400u) << "the name is asked for";

    ASSERT_EQ(::rename(directory.c_str(), (directory + "-away").c_str()), 0);
    ASSERT_EQ(::mkdir(directory.c_str(), 0755), 0);
    std::ofstream(directory + "/of-somebody-else") << "x";
    const auto refused = run_->call("DELETE", purge);
    EXPECT_EQ(refused.status, 409u);
    EXPECT_THAT(refused.body, HasSubstr("does not bear the mark of lab lab1"));
    EXPECT_EQ(run_->lab("lab1"), nullptr) << "nothing was begun";
    ASSERT_EQ(::unlink((directory + "/of-somebody-else").c_str()), 0);
    ASSERT_EQ(::rmdir(directory.c_str()), 0);
    ASSERT_EQ(::rename((directory + "-away").c_str(), directory.c_str()), 0);

    const auto purged = run_->call("DELETE", purge).result();
    EXPECT_TRUE(purged.at("ok").as_bool()) << purged;
    EXPECT_NE(::access(directory.c_str(), F_OK), 0);
    EXPECT_EQ(run_->lab("lab1"), nullptr);
    EXPECT_EQ(run_->call("DELETE", purge).status, 404u) << "there is nothing left of it";
}

TEST_F(Reconciles, RepairsAWrongOwnerByItself) {
    ASSERT_TRUE(create().at("ok").as_bool());
    const auto directory = run_->config().labs.root + "/lab1";
    ASSERT_EQ(::chown(directory.c_str(), 0, 0), 0);
    EXPECT_TRUE(becomes_true([&] {
        struct stat status {};
        return ::stat(directory.c_str(), &status) == 0 && status.st_uid == run_->served("lab1")->uid;
    }));
}

}  // namespace
}  // namespace stowage::controller::testing
