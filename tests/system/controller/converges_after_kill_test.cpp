// kill -9 of the controller before and after each step and in each call to Run:ai, then a restart: it
// converges, with one data source, one uid a lab, nothing twice and nothing half. Runs in: system tests.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <filesystem>
#include <functional>
#include <future>

#include "tests/system/controller/controller_run.hpp"

namespace stowage::controller::testing {
namespace {

class ConvergesAfterKill : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        if (reason_to_skip().empty()) start_afresh();
    }
    static void TearDownTestSuite() { end(); }
    static void start_afresh() {
        end();
        run_ = std::make_unique<ControllerRun>();
        run_->start();
    }
    static void end() {
        if (!run_) return;
        EXPECT_EQ(run_->stop(), 0);
        EXPECT_EQ(run_->unexpected_ends(), 0u);
        run_.reset();
    }
    void SetUp() override {
        if (!run_) GTEST_SKIP() << reason_to_skip();
    }

    static std::string body_of(const std::string& lab) {
        return fmt::format(R"({{"name":"{}","clients":["127.0.0.0/8"]}})", lab);
    }
    static std::string new_lab(const std::string& name) {
        run_->add_department(name);
        return name;
    }
    static std::string ready_lab(const std::string& name) {
        new_lab(name);
        EXPECT_TRUE(run_->call("POST", "/v1/labs", body_of(name)).result().at("ok").as_bool());
        return name;
    }

    /// Makes a request, and kills the controller in its call to Run:ai, before the stand-in carried it out or
    /// after. `prepare` comes first, when the call would already be caught.
    static void kill_in(
        const std::string& operation, const std::string& kind, const std::string& method,
        const std::string& target, const std::string& body, const std::function<void()>& prepare = [] {}) {
        const auto before = run_->requests_of(operation);
        const auto fault = fmt::format(R"({{"operation":"{}","kind":"{}"}})", operation, kind);
        ASSERT_EQ(run_->stand_in("POST", "faults", fault).status, 200u);
        prepare();
        auto asked = std::async(std::launch::async, [&] { return run_->call(method, target, body); });
        ASSERT_TRUE(becomes_true([&] { return run_->requests_of(operation) > before; })) << operation;
        const auto starts = run_->starts();
        run_->kill_now();
        asked.wait();
        ASSERT_TRUE(becomes_true([&] { return run_->starts() > starts && run_->all_told(); }));
        (void)run_->stand_in("DELETE", "faults");
    }

    /// The lab is whole, and nothing of it is there twice.
    static void expect_whole(const std::string& lab) {
        ASSERT_TRUE(run_->reaches(lab, "ready")) << boost::json::serialize(run_->lab(lab));
        EXPECT_EQ(run_->data_sources_named(lab + "-nfs"), 1u);
        const auto view = run_->lab(lab);
        EXPECT_EQ(view.at("data_source").at("state"), "registered");
        EXPECT_TRUE(view.at("data_source").at("made_by_stowage").as_bool());
        ASSERT_TRUE(run_->served(lab));
        EXPECT_EQ(run_->served(lab)->uid, view.at("uid").to_number<std::uint32_t>());
        expect_no_uid_twice();
    }
    static void expect_no_uid_twice() {
        std::set<std::int64_t> uids;
        const auto labs = run_->call("GET", "/v1/labs").json();
        for (const auto& lab : labs.at("labs").as_array())
            EXPECT_TRUE(uids.insert(lab.at("uid").to_number<std::int64_t>()).second) << lab;
    }

    static std::unique_ptr<ControllerRun> run_;
};

std::unique_ptr<ControllerRun> ConvergesAfterKill::run_;

/// Calls `walk(nth, moment)`, which kills at the nth changing step and says whether there was one, until
/// there is none; how many there were.
template <typename Walk>
unsigned walk_steps(Walk walk) {
    unsigned killed = 0;
    for (unsigned nth = 1; nth < 20; ++nth)
        for (const auto moment : {Moment::before, Moment::after}) {
            if (!walk(nth, moment)) return killed;
            ++killed;
        }
    return killed;
}

std::string named(const char* what, unsigned nth, Moment moment) {
    return fmt::format("{}-{}-{}", what, nth, moment == Moment::before ? "before" : "after");
}

TEST_F(ConvergesAfterKill, AtEachStepOfCreate) {
    const auto killed = walk_steps([&](unsigned nth, Moment moment) {
        const auto lab = new_lab(named("create", nth, moment));
        SCOPED_TRACE(lab);
        run_->kill_at(nth, moment);
        (void)run_->call("POST", "/v1/labs", body_of(lab));
        expect_whole(lab);
        return run_->disarm();
    });
    EXPECT_EQ(killed, 6u) << "make_directory, set_quota, publish_export, before and after";
}

TEST_F(ConvergesAfterKill, AtEachStepOfDeleteWithData) {
    const auto killed = walk_steps([&](unsigned nth, Moment moment) {
        const auto lab = ready_lab(named("purge", nth, moment));
        SCOPED_TRACE(lab);
        const auto user = fmt::format(R"({{"name":"u.{0}","lab":"{0}","password":"correct horse"}})", lab);
        EXPECT_EQ(run_->call("POST", "/v1/users", user).status, 200u);
        run_->kill_at(nth, moment);
        (void)run_->call("DELETE", fmt::format("/v1/labs/{0}?purge_data=1&confirm={0}", lab));
        EXPECT_TRUE(run_->goes_away(lab));
        EXPECT_EQ(run_->data_sources_named(lab + "-nfs"), 0u);
        EXPECT_FALSE(std::filesystem::exists(run_->config().labs.root + "/" + lab));
        EXPECT_FALSE(run_->served(lab));
        EXPECT_THAT(run_->password_file_text(), ::testing::Not(::testing::HasSubstr("u." + lab + ":")));
        return run_->disarm();
    });
    EXPECT_EQ(killed, 8u) << "remove_password, shut_out, withdraw_export, purge_directory, before and after";
}

TEST_F(ConvergesAfterKill, AtEachStepOfDeleteThatKeepsTheData) {
    const auto killed = walk_steps([&](unsigned nth, Moment moment) {
        const auto lab = ready_lab(named("keep", nth, moment));
        SCOPED_TRACE(lab);
        const auto uid = run_->lab(lab).at("uid");
        run_->kill_at(nth, moment);
        (void)run_->call("DELETE", "/v1/labs/" + lab);
        EXPECT_TRUE(run_->goes_away(lab));
        const bool struck = run_->disarm();
        EXPECT_TRUE(std::filesystem::exists(run_->config().labs.root + "/" + lab));
        EXPECT_TRUE(run_->call("POST", "/v1/labs", body_of(lab)).result().is_object());
        EXPECT_EQ(run_->lab(lab).at("uid"), uid) << "kept files keep their uid";
        expect_whole(lab);
        return struck;
    });
    EXPECT_EQ(killed, 4u) << "shut_out, withdraw_export, before and after";
}

TEST_F(ConvergesAfterKill, AtEachStepOfUserAdd) {
    const auto lab = ready_lab("users");
    const auto killed = walk_steps([&](unsigned nth, Moment moment) {
        const auto user = named("user", nth, moment);
        SCOPED_TRACE(user);
        const auto body = fmt::format(R"({{"name":"{}","lab":"{}","password":"correct horse"}})", user, lab);
        const auto starts = run_->starts();
        run_->kill_at(nth, moment);
        const auto answer = run_->call("POST", "/v1/users", body);
        const bool struck = run_->disarm();
        if (struck) {
            // Nobody was told of it: it goes out again, and can be made anew.
            EXPECT_EQ(answer.status, 0u);
            EXPECT_TRUE(becomes_true([&] { return run_->starts() > starts && run_->all_told(); }));
            EXPECT_TRUE(becomes_true(
                [&] { return run_->password_file_text().find(user + ":") == std::string::npos; }));
            EXPECT_THAT(run_->call("GET", "/v1/users").body, ::testing::Not(::testing::HasSubstr(user)));
            EXPECT_EQ(run_->call("POST", "/v1/users", body).status, 200u);
        }
        EXPECT_TRUE(becomes_true([&] { return run_->accounts()[user] == lab; }));
        EXPECT_THAT(run_->password_file_text(), ::testing::HasSubstr(user + ":$y$"));
        return struck;
    });
    EXPECT_EQ(killed, 2u) << "set_password, before and after";
}

/// Each call to Run:ai that a `lab create` makes, stopped before it was carried out and after.
TEST_F(ConvergesAfterKill, InEachCallToRunai) {
    const std::vector<std::string> operations = {"grant_token", "get_clusters", "get_departments",
                                                 "list_nfs_assets", "create_nfs_asset"};
    int number = 0;
    for (const auto& operation : operations)
        for (const auto* kind : {"hang_before", "hang_after"}) {
            // A fresh controller: it has no token, knows no cluster, and no other lab of its takes the fault.
            start_afresh();
            const auto lab = new_lab(fmt::format("runai-{}", ++number));
            SCOPED_TRACE(fmt::format("{} {} {}", lab, operation, kind));
            kill_in(operation, kind, "POST", "/v1/labs", body_of(lab));
            expect_whole(lab);
        }
}

/// Each call to Run:ai of a `lab delete`: the question who uses it, and the deletion itself.
TEST_F(ConvergesAfterKill, InEachCallToRunaiOfADelete) {
    int number = 0;
    for (const auto* operation : {"get_nfs_asset_by_id", "delete_nfs_asset_by_id"})
        for (const auto* kind : {"hang_before", "hang_after"}) {
            start_afresh();
            const auto lab = ready_lab(fmt::format("leaving-{}", ++number));
            SCOPED_TRACE(fmt::format("{} {} {}", lab, operation, kind));
            const auto target = fmt::format("/v1/labs/{0}?purge_data=1&confirm={0}", lab);
            kill_in(operation, kind, "DELETE", target, "");
            // Before the first deed nothing is decided: then it is asked for once more.
            if (run_->lab(lab).is_object()) (void)run_->call("DELETE", target);
            EXPECT_TRUE(run_->goes_away(lab));
            EXPECT_EQ(run_->data_sources_named(lab + "-nfs"), 0u);
            EXPECT_FALSE(std::filesystem::exists(run_->config().labs.root + "/" + lab));
        }
}

/// The call that changes a data source after the configuration did.
TEST_F(ConvergesAfterKill, InTheCallToRunaiOfAnUpdate) {
    for (const auto* kind : {"hang_before", "hang_after"}) {
        SCOPED_TRACE(kind);
        start_afresh();
        const auto lab = ready_lab("changing");
        // The controller may see by itself what is to be changed, as soon as it has started.
        const auto start_again = [] {
            run_->change_setting("runai.container_path", "/mnt/elsewhere");
            const auto starts = run_->starts();
            run_->kill_now();
            ASSERT_TRUE(becomes_true([&] { return run_->starts() > starts && run_->all_told(); }));
        };
        kill_in("update_nfs_asset_by_id", kind, "POST", "/v1/apply",
                fmt::format(R"({{"labs":[{}]}})", body_of(lab)), start_again);
        expect_whole(lab);
        EXPECT_EQ(run_->lab(lab).at("data_source").at("mount_path"), "/mnt/elsewhere");
    }
}

}  // namespace
}  // namespace stowage::controller::testing
