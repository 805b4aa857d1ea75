// Which step waits for which.
// Runs in: unit tests.
#include "gateway/controller/plan/step.hpp"

#include <gtest/gtest.h>

namespace stowage::controller {
namespace {

TEST(Step, NothingIsServedWithoutDirectoryOrLimit) {
    for (const auto failed : {StepKind::make_directory, StepKind::set_quota})
        for (const auto later : {StepKind::publish_export, StepKind::serve_ftps, StepKind::check_mount,
                                 StepKind::register_data_source})
            EXPECT_TRUE(depends_on(later, failed)) << to_string(later) << " after " << to_string(failed);
}

Step step(StepKind kind, Change change, const char* deviation = "marker") {
    Step made{.lab = "lab1", .kind = kind, .title = ""};
    made.change = change;
    made.deviations.push_back({deviation, "", ""});
    return made;
}

// A pod that fills its lab makes each repair fail. Taken out (the kinds alone decide): this fails.
TEST(Step, WhatCannotBeMendedKeepsNobodyIn) {
    const auto broken = step(StepKind::make_directory, Change::change);
    EXPECT_FALSE(depends_on(step(StepKind::set_quota, Change::change), broken));
    EXPECT_FALSE(depends_on(step(StepKind::set_quota, Change::create), broken));
    for (const auto& failed : {broken, step(StepKind::set_quota, Change::change)})
        for (const auto later : {StepKind::publish_export, StepKind::serve_ftps}) {
            EXPECT_FALSE(depends_on(step(later, Change::change), failed)) << to_string(later);
            EXPECT_TRUE(depends_on(step(later, Change::create), failed)) << to_string(later);
        }
    EXPECT_TRUE(depends_on(step(StepKind::check_mount, Change::change), broken));
    EXPECT_TRUE(depends_on(step(StepKind::register_data_source, Change::change), broken));
}

TEST(Step, WhatIsNotTheLabsBlocksAllTheSame) {
    for (const auto& failed :
         {step(StepKind::make_directory, Change::create), step(StepKind::make_directory, Change::adopt),
          step(StepKind::make_directory, Change::differs),
          step(StepKind::make_directory, Change::change, "owner"), step(StepKind::set_quota, Change::create)})
        EXPECT_TRUE(depends_on(step(StepKind::publish_export, Change::change), failed))
            << to_string(failed.change);
}

TEST(Step, FtpsDoesNotWaitForNfs) {
    EXPECT_FALSE(depends_on(StepKind::serve_ftps, StepKind::publish_export));
    EXPECT_TRUE(depends_on(StepKind::check_mount, StepKind::publish_export));
    EXPECT_TRUE(depends_on(StepKind::register_data_source, StepKind::publish_export));
}

TEST(Step, RegistrationDoesNotWaitForFtpsOrTheCheck) {
    EXPECT_FALSE(depends_on(StepKind::register_data_source, StepKind::serve_ftps));
    EXPECT_FALSE(depends_on(StepKind::register_data_source, StepKind::check_mount));
}

TEST(Step, NoDataGoesBeforeEverythingElseHasGone) {
    for (const auto failed : {StepKind::unregister_data_source, StepKind::withdraw_ftps,
                              StepKind::remove_account, StepKind::withdraw_export}) {
        EXPECT_TRUE(depends_on(StepKind::purge_directory, failed));
        EXPECT_TRUE(depends_on(StepKind::forget_lab, failed));
    }
    EXPECT_TRUE(depends_on(StepKind::forget_lab, StepKind::purge_directory));
}

TEST(Step, NothingDependsOnWhatComesLater) {
    EXPECT_FALSE(depends_on(StepKind::make_directory, StepKind::publish_export));
    EXPECT_FALSE(depends_on(StepKind::remove_account, StepKind::remove_account));
}

}  // namespace
}  // namespace stowage::controller
