// plan_removal(): the way out.
// Runs in: unit tests.
#include <gmock/gmock.h>

#include "example.hpp"

namespace stowage::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const OwnedDataSource made{"uuid-1", true, wanted_source()};
const std::vector<Account> users = {{"alice", "lab1"}, {"bob", "lab2"}, {"carol", "lab1"}};

Lab leaving(Phase phase) {
    auto lab = made_lab();
    lab.phase = phase;
    return lab;
}

std::vector<Step> plan_for(Phase phase, const message::LabObservation& seen = all_there(),
                           const ObservedRegistration& registration = KnownRegistration{{"100002"},
                                                                                        found_source()},
                           const std::optional<OwnedDataSource>& owned = made) {
    return plan_removal(leaving(phase), example_site(), seen, registration, owned, users);
}

const Step& find(const std::vector<Step>& steps, StepKind kind) {
    for (const auto& step : steps)
        if (step.kind == kind) return step;
    throw std::runtime_error("no such step");
}

TEST(RemovalPlan, GoesOutInOrderAndTakesOnlyItsOwnUsers) {
    const auto steps = plan_for(Phase::leaving_data_purged);
    std::vector<StepKind> kinds;
    for (const auto& step : steps) {
        kinds.push_back(step.kind);
        EXPECT_EQ(step.change, Change::remove) << step.title;
    }
    EXPECT_THAT(kinds,
                ElementsAre(StepKind::unregister_data_source, StepKind::withdraw_ftps,
                            StepKind::remove_account, StepKind::remove_account, StepKind::withdraw_export,
                            StepKind::purge_directory, StepKind::forget_lab));
    EXPECT_EQ(steps[2].user, "alice");
    EXPECT_EQ(steps[3].user, "carol");
}

TEST(RemovalPlan, KeepsTheDataUnlessAsked) {
    const auto steps = plan_for(Phase::leaving_data_kept);
    const auto& step = find(steps, StepKind::purge_directory);
    EXPECT_EQ(step.change, Change::unchanged);
    EXPECT_EQ(step.title, "keep /mnt/nfs/lab1");
    EXPECT_THAT(step.detail, HasSubstr("uid 700001 stays reserved"));
    EXPECT_EQ(find(steps, StepKind::withdraw_export).change, Change::remove);
}

TEST(RemovalPlan, NamesTheDataSourceToDelete) {
    const auto steps = plan_for(Phase::leaving_data_kept);
    EXPECT_EQ(find(steps, StepKind::unregister_data_source).data_source->remote_id, "uuid-1");
}

TEST(RemovalPlan, NeverDeletesADataSourceThatItAdopted) {
    const OwnedDataSource adopted{"uuid-1", false, wanted_source()};
    const auto steps = plan_for(Phase::leaving_data_kept, all_there(),
                                KnownRegistration{{"100002"}, found_source()}, adopted);
    const auto& step = find(steps, StepKind::unregister_data_source);
    EXPECT_EQ(step.data_source->remote_id, "");
    EXPECT_THAT(step.detail, HasSubstr("did not make it"));
}

TEST(RemovalPlan, DeletesByItsIdWhateverBearsTheNameNow) {
    auto other = found_source();
    other.id = "uuid-2";
    const UnknownRegistration no_department{{Code::not_found, "no department lab1"}};
    for (const auto& seen : {ObservedRegistration(KnownRegistration{{"100002"}, other}),
                             ObservedRegistration(KnownRegistration{{"100002"}, std::nullopt}),
                             ObservedRegistration(no_department)}) {
        const auto steps = plan_for(Phase::leaving_data_kept, all_there(), seen);
        EXPECT_EQ(find(steps, StepKind::unregister_data_source).data_source->remote_id, "uuid-1");
        EXPECT_FALSE(find(steps, StepKind::unregister_data_source).error);
    }
}

TEST(RemovalPlan, DeletesOneWhoseCreationWasCutOff) {
    const OwnedDataSource intended{"", true, wanted_source()};
    const auto steps = plan_for(Phase::leaving_data_kept, all_there(),
                                KnownRegistration{{"100002"}, found_source()}, intended);
    EXPECT_EQ(find(steps, StepKind::unregister_data_source).data_source->remote_id, "uuid-1");
}

TEST(RemovalPlan, NothingToUnregisterWhereNothingIsOwned) {
    const auto steps = plan_for(Phase::leaving_data_kept, all_there(), NoRunai{}, std::nullopt);
    EXPECT_EQ(find(steps, StepKind::unregister_data_source).change, Change::unchanged);
}

TEST(RemovalPlan, WaitsForRunaiWhenACreationWasCutOff) {
    const OwnedDataSource intended{"", true, wanted_source()};
    const UnknownRegistration silent{{Code::timeout, "no answer"}};
    auto steps = plan_for(Phase::leaving_data_kept, all_there(), silent, intended);
    ASSERT_TRUE(find(steps, StepKind::unregister_data_source).error);
    EXPECT_EQ(find(steps, StepKind::unregister_data_source).error->code, Code::timeout);
    const UnknownRegistration gone{{Code::not_found, "no department lab1"}};
    steps = plan_for(Phase::leaving_data_kept, all_there(), gone, intended);
    EXPECT_FALSE(find(steps, StepKind::unregister_data_source).error);
}

TEST(RemovalPlan, DoesNotForgetADataSourceBecauseTheAddressIsGone) {
    const auto steps = plan_for(Phase::leaving_data_kept, all_there(), NoRunai{});
    const auto& step = find(steps, StepKind::unregister_data_source);
    EXPECT_EQ(step.change, Change::differs);
    EXPECT_THAT(step.error->remedy, HasSubstr("runai.url"));
}

TEST(RemovalPlan, DoesNotPurgeWhatBearsNoMark) {
    auto seen = all_there();
    seen.marked = 0;
    seen.uid = seen.gid = 1000;
    const auto steps = plan_for(Phase::leaving_data_purged, seen);
    const auto& step = find(steps, StepKind::purge_directory);
    EXPECT_EQ(step.change, Change::differs);
    ASSERT_TRUE(step.error);
    EXPECT_THAT(step.error->what, HasSubstr("mark"));
}

TEST(RemovalPlan, GoesOnWithADeletionThatIsOutOfSight) {
    const auto steps = plan_for(Phase::leaving_data_purged, nothing_there());
    EXPECT_EQ(find(steps, StepKind::purge_directory).change, Change::remove);
}

TEST(RemovalPlan, WhileTheFilesystemIsNotMountedNothingIsForgottenNorTakenFromUsers) {
    auto missing = nothing_there(), below = all_there();
    missing.root_marked = below.root_marked = 0;
    below.root_foreign = 1;
    for (const auto phase : {Phase::leaving_data_purged, Phase::leaving_data_kept})
        for (const auto& seen : {missing, below}) {
            const auto steps = plan_for(phase, seen);
            ASSERT_EQ(steps.size(), 1u);
            EXPECT_EQ(steps[0].change, Change::differs);
            ASSERT_TRUE(steps[0].error);
            EXPECT_THAT(steps[0].error->remedy, HasSubstr("mount it"));
        }
}

TEST(RemovalPlan, ALabThatNeverBeganTouchesNothingOfOthers) {
    auto lab = example_lab();
    lab.phase = Phase::leaving_data_kept;
    auto seen = all_there();
    seen.marked = seen.exported = seen.export_present = 0;
    seen.uid = seen.gid = 1000;
    const auto steps = plan_removal(lab, example_site(), seen, NoRunai{}, std::nullopt, {});
    EXPECT_EQ(find(steps, StepKind::withdraw_export).change, Change::unchanged);
    EXPECT_EQ(find(steps, StepKind::purge_directory).change, Change::unchanged);
    EXPECT_EQ(find(steps, StepKind::forget_lab).change, Change::remove);
}

}  // namespace
}  // namespace stowage::controller
