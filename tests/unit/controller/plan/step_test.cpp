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
