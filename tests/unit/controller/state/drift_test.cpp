// Project ids, what was right, and drift in the database.
// Runs in: unit tests.
#include <gmock/gmock.h>

#include "gateway/controller/state/state.hpp"
#include "temporary_directory.hpp"

namespace stowage::controller {
namespace {

constexpr UidRange range{700000, 700003};

class DriftState : public testing::Test {
  protected:
    void SetUp() override { or_throw(state_.add_lab("lab1", {}, range)); }
    void give_project(const std::string& lab, std::uint32_t id) {
        StepIntent intent;
        intent.gives_project = id;
        or_throw(state_.begin_step(lab, "set_quota", intent));
    }
    void leave(bool release) {
        or_throw(state_.set_phase("lab1", Phase::leaving_data_kept));
        or_throw(state_.forget_lab("lab1", release));
    }

    TemporaryDirectory directory_;
    State state_ = or_throw(State::open(directory_.path()));
};

TEST_F(DriftState, AProjectIsTheLabsFromBeforeTheStepOn) {
    EXPECT_EQ(state_.lab("lab1")->project_id, 0u);
    give_project("lab1", 700000);
    EXPECT_EQ(state_.lab("lab1")->project_id, 700000u);
    EXPECT_EQ(state_.labs().front().project_id, 700000u);
}

TEST_F(DriftState, NoTwoLabsHaveOneProject) {
    or_throw(state_.add_lab("lab2", {}, range));
    give_project("lab1", 700000);
    StepIntent intent;
    intent.gives_project = 700000;
    EXPECT_FALSE(state_.begin_step("lab2", "set_quota", intent));
    EXPECT_EQ(state_.lab("lab2")->project_id, 0u);
}

TEST_F(DriftState, AProjectIsKeptWithTheDataAndFreedWithIt) {
    give_project("lab1", 700000);
    leave(false);
    EXPECT_EQ(or_throw(state_.add_lab("lab1", {}, range)).uid, 700000u);
    EXPECT_EQ(state_.lab("lab1")->project_id, 700000u);
    leave(true);
    or_throw(state_.add_lab("lab1", {}, range));
    EXPECT_EQ(state_.lab("lab1")->project_id, 0u);
}

TEST_F(DriftState, RemembersHowALabWasRight) {
    EXPECT_EQ(state_.found_right("lab1"), FoundRight{});
    const FoundRight right{"wanted", "boot", message::QuotaBackend::ext4};
    or_throw(state_.set_found_right("lab1", right));
    EXPECT_EQ(state_.found_right("lab1"), right);
    or_throw(state_.set_quota_warned("lab1", 90));
    EXPECT_EQ(state_.quota_warned("lab1"), 90);
    EXPECT_EQ(state_.quota_warned("none"), 0);
}

TEST_F(DriftState, KeepsTheNewestOfEachThingAndForgetsClosedOnesOfLongAgo) {
    const auto now = now_seconds();
    or_throw(state_.put_drift("lab1", {{"owner", "0:0", "1:1", 100, DriftOutcome::repaired},
                                       {"mode", "755", "2770", 100, DriftOutcome::reported}}));
    or_throw(state_.put_drift("lab1", {{"quota", "1GiB", "2GiB", now, DriftOutcome::repaired}}));
    auto records = state_.drift("lab1");
    ASSERT_EQ(records.size(), 2u) << "the repaired one of 1970 is forgotten, the open one is not";
    EXPECT_EQ(records[0].what, "quota");
    EXPECT_TRUE(records[1].is_open());
    or_throw(state_.put_drift("lab1", {{"mode", "700", "2770", now, DriftOutcome::set_right}}));
    records = state_.drift("lab1");
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].was, "700");
    leave(true);
    EXPECT_TRUE(state_.drift("lab1").empty());
}

}  // namespace
}  // namespace stowage::controller
