// Labs whose tree is read for a day hold up no other lab, and neither their own removal nor clients' being
// shut out; what a failed change left in force is shown. Runs in: system tests.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>
#include <future>

#include "tests/system/controller/controller_run.hpp"

namespace stowage::controller::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Walks : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const auto reason = reason_to_skip(); !reason.empty()) GTEST_SKIP() << reason;
        run_ = std::make_unique<ControllerRun>();
        for (int number = 1; number <= 7; ++number)
            run_->add_department(fmt::format("lab{}", number));
        run_->start();
    }
    void TearDown() override {
        if (!run_) return;
        run_->end_walks();
        EXPECT_EQ(run_->stop(), 0);
        EXPECT_EQ(run_->unexpected_ends(), 0u);
    }

    HttpAnswer set(const std::string& lab, const std::string& settings) const {
        return run_->call("PATCH", "/v1/labs/" + lab, settings);
    }
    HttpAnswer create(const std::string& lab) const {
        return run_->call("POST", "/v1/labs",
                          fmt::format(R"({{"name":"{}","clients":["127.0.0.0/8","10.0.0.0/8"]}})", lab));
    }
    /// A lab with a file in it, which begins to walk by itself.
    void have_it_walk(const std::string& lab) const {
        ASSERT_TRUE(create(lab).result().at("ok").as_bool());
        std::ofstream(run_->config().labs.root + "/" + lab + "/data") << "d";
        const auto before = run_->walks();
        run_->make_walk(lab);
        ASSERT_TRUE(becomes_true([&] { return run_->walks() > before; })) << lab;
    }
    std::string why(const std::string& lab) const {
        return std::string(run_->lab(lab).at("why").as_string());
    }

    std::unique_ptr<ControllerRun> run_;
};

TEST_F(Walks, OtherLabsGoOn) {
    for (const auto* lab : {"lab1", "lab2", "lab3", "lab4"})
        have_it_walk(lab);
    EXPECT_TRUE(create("lab6").result().at("converged").as_bool());
    ASSERT_TRUE(create("lab5").result().at("ok").as_bool());
    std::ofstream(run_->config().labs.root + "/lab5/data") << "d";
    run_->make_walk("lab5");
    EXPECT_TRUE(
        becomes_true([&] { return why("lab5").find("the trees of 4 other labs") != std::string::npos; }));
    EXPECT_EQ(run_->lab("lab5").at("state"), "pending");
    EXPECT_TRUE(run_->served("lab5")) << "FTPS goes on";
    EXPECT_EQ(run_->walks(), 4u);
    EXPECT_TRUE(set("lab6", R"({"clients":["127.0.0.1"]})").result().at("converged").as_bool());
    run_->end_walks();
    EXPECT_TRUE(becomes_true([&] { return run_->walks() == 1; })) << "the fifth has a place now";
}

TEST_F(Walks, ARemovalEndsTheLabsOwn) {
    have_it_walk("lab1");
    EXPECT_TRUE(run_->call("DELETE", "/v1/labs/lab1").result().at("ok").as_bool());
    EXPECT_EQ(run_->walks(), 0u);
    EXPECT_EQ(run_->lab("lab1"), nullptr);
}

TEST_F(Walks, ClientsAreShutOutBeforeTheyBegin) {
    have_it_walk("lab1");
    (void)run_->take_steps();
    auto narrowed =
        std::async(std::launch::async, [&] { return set("lab1", R"({"clients":["127.0.0.0/8"]})"); });
    std::vector<std::string> steps;
    EXPECT_TRUE(becomes_true([&] {
        for (const auto& step : run_->take_steps())
            steps.push_back(step);
        return steps.size() == 2;
    }));
    EXPECT_THAT(steps, ElementsAre("publish_export", "set_quota"));
    EXPECT_EQ(run_->walks(), 1u);
    run_->end_walks();
    EXPECT_TRUE(narrowed.get().result().at("converged").as_bool());
}

TEST_F(Walks, WhoWaitsForTheLabsTurnIsTold) {
    have_it_walk("lab1");
    auto verified =
        std::async(std::launch::async, [&] { return run_->call("POST", "/v1/labs/lab1/verify"); });
    EXPECT_EQ(verified.wait_for(std::chrono::seconds(4)), std::future_status::timeout)
        << "it changes nothing";
    run_->end_walks();
    EXPECT_THAT(verified.get().body, HasSubstr("waits for 1 earlier request"));
}

TEST_F(Walks, AFailedChangeOfClientsIsNotShownAsDone) {
    ASSERT_TRUE(create("lab1").result().at("ok").as_bool());
    EXPECT_EQ(run_->lab("lab1").at("in_force").at("export"), "as asked");
    run_->refuse(message::Step::publish_export);
    EXPECT_FALSE(set("lab1", R"({"clients":["127.0.0.0/8"]})").result().at("ok").as_bool());
    const auto lab = run_->lab("lab1");
    EXPECT_EQ(lab.at("clients"), boost::json::value({"127.0.0.0/8"}));
    EXPECT_EQ(lab.at("in_force").at("export"), "otherwise");
    EXPECT_EQ(lab.at("in_force").at("clients"), boost::json::value({"127.0.0.0/8", "10.0.0.0/8"}));
}

}  // namespace
}  // namespace stowage::controller::testing
