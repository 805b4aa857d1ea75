// plan_storage(): what is done on the node, from what is there.
// Runs in: unit tests.
#include <gmock/gmock.h>

#include "example.hpp"
#include "gateway/controller/plan/export_plan.hpp"

namespace stowage::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Change> changes(const std::vector<Step>& steps) {
    std::vector<Change> all;
    for (const auto& step : steps)
        all.push_back(step.change);
    return all;
}

std::vector<Step> plan_for(const Lab& lab, const message::LabObservation& seen) {
    auto observed = settled();
    observed.lab = seen;
    return plan_storage(lab, example_site(), observed);
}

Step of_kind(StepKind kind, const std::vector<Step>& steps) {
    for (const auto& step : steps)
        if (step.kind == kind) return step;
    return {};
}
Step directory_of(const std::vector<Step>& steps) {
    return of_kind(StepKind::make_directory, steps);
}
Step quota_of(const std::vector<Step>& steps) {
    return of_kind(StepKind::set_quota, steps);
}
Step export_of(const std::vector<Step>& steps) {
    return of_kind(StepKind::publish_export, steps);
}

TEST(StoragePlan, MakesEverythingInOrderWhereNothingIs) {
    const auto steps = plan_storage(example_lab(), example_site(), {nothing_there(), std::nullopt, false});
    std::vector<StepKind> kinds;
    for (const auto& step : steps)
        kinds.push_back(step.kind);
    EXPECT_THAT(kinds, ElementsAre(StepKind::make_directory, StepKind::set_quota, StepKind::publish_export,
                                   StepKind::serve_ftps, StepKind::check_mount));
    EXPECT_THAT(changes(steps),
                ElementsAre(Change::create, Change::create, Change::create, Change::create, Change::change));
    EXPECT_EQ(steps[0].title, "directory /mnt/nfs/lab1");
    EXPECT_EQ(steps[1].title, "quota 10TiB, 50000000 files");
    EXPECT_EQ(steps[2].title, "export /mnt/nfs/lab1 to 10.0.0.0/8");
}

TEST(StoragePlan, DoesNothingWhereEverythingIs) {
    const auto steps = plan_storage(made_lab(), example_site(), settled());
    for (const auto& step : steps) {
        EXPECT_EQ(step.change, Change::unchanged) << step.title << ": " << step.detail;
        EXPECT_FALSE(step.does_something());
    }
}

TEST(StoragePlan, RepairsOwnerModeAndMount) {
    auto seen = all_there();
    seen.uid = 0;
    seen.mode = 040755;
    seen.mounted = 0;
    const auto step = directory_of(plan_for(made_lab(), seen));
    EXPECT_EQ(step.change, Change::change);
    EXPECT_THAT(step.detail, HasSubstr("owner 0:700001 instead of 700001:700001"));
    EXPECT_THAT(step.detail, HasSubstr("mode 755 instead of 2770"));
    EXPECT_THAT(step.detail, HasSubstr("not mounted"));
}

TEST(StoragePlan, ARepairIsFollowedByAMountCheck) {
    auto seen = all_there();
    seen.mounted = 0;
    EXPECT_EQ(plan_for(made_lab(), seen).back().change, Change::change);
}

TEST(StoragePlan, MendsALabThatIsOpenToOthers) {
    auto seen = all_there();
    seen.open_to_others = 1;
    const auto step = directory_of(plan_for(made_lab(), seen));
    EXPECT_EQ(step.change, Change::change);
    EXPECT_THAT(step.detail, HasSubstr("ACL"));
}

TEST(StoragePlan, SaysWhenTheDirectoryOfALabIsGone) {
    const auto steps = plan_for(made_lab(), nothing_there());
    EXPECT_EQ(directory_of(steps).change, Change::create);
    EXPECT_THAT(directory_of(steps).detail, HasSubstr("is gone"));
}

TEST(StoragePlan, LeavesADirectoryWithForeignFilesAlone) {
    auto seen = all_there();
    seen.marked = 0;
    seen.uid = seen.gid = 1000;
    const auto step = directory_of(plan_for(example_lab(), seen));
    EXPECT_EQ(step.change, Change::differs);
    EXPECT_FALSE(step.does_something());
    ASSERT_TRUE(step.error);
    EXPECT_EQ(step.error->code, Code::differs);
    EXPECT_THAT(step.error->what, HasSubstr("/mnt/nfs/lab1"));
    EXPECT_FALSE(step.error->remedy.empty());
}

std::vector<std::string> kinds_of(const std::vector<Step>& steps) {
    std::vector<std::string> kinds;
    for (const auto& step : steps)
        if (step.does_something()) kinds.emplace_back(to_string(step.kind));
    return kinds;
}

TEST(StoragePlan, ClientsAreShutOutBeforeALimitIsSet) {
    auto seen = all_there();
    seen.quota_bytes = 1 << 30;
    seen.exported = 0;
    EXPECT_THAT(kinds_of(plan_for(made_lab(), seen)),
                ElementsAre("publish_export", "set_quota", "check_mount"));
    seen.export_present = 0;
    EXPECT_THAT(kinds_of(plan_for(made_lab(), seen)),
                ElementsAre("set_quota", "publish_export", "check_mount"))
        << "nothing is exported without its limit";
}

TEST(StoragePlan, FtpsWaitsForNoWalk) {
    auto observed = settled();
    observed.served.reset();
    observed.lab.project_whole = 0;
    const auto steps = plan_storage(made_lab(), example_site(), observed);
    EXPECT_THAT(kinds_of(steps), ElementsAre("serve_ftps", "set_quota", "check_mount"));
    EXPECT_TRUE(steps[3].walks);
    observed.lab.project_whole = 1;
    observed.lab.quota_bytes = 1 << 30;
    EXPECT_THAT(kinds_of(plan_storage(made_lab(), example_site(), observed)),
                ElementsAre("set_quota", "serve_ftps", "check_mount"));
}

TEST(StoragePlan, WhatIsEmptyOrWholeIsNotWalkedThrough) {
    auto seen = all_there();
    seen.quota_bytes = 1 << 30;
    for (const auto& step : plan_for(made_lab(), seen))
        EXPECT_FALSE(step.walks);
    seen.project_whole = 0;
    seen.empty = 1;
    for (const auto& step : plan_for(made_lab(), seen))
        EXPECT_FALSE(step.walks);
}

TEST(StoragePlan, TakesAnEmptyDirectoryOver) {
    auto seen = nothing_there();
    seen.directory_exists = seen.empty = 1;
    seen.mode = 040755;
    const auto steps = plan_for(example_lab(), seen);
    EXPECT_EQ(directory_of(steps).change, Change::adopt);
    EXPECT_EQ(quota_of(steps).change, Change::create);
}

TEST(StoragePlan, FinishesADirectoryThatAStepLeftHalfMade) {
    auto seen = nothing_there();
    seen.directory_exists = seen.empty = seen.mounted = 1;
    seen.mode = 040700;
    auto lab = example_lab();
    lab.directory = DirectoryPhase::making;
    EXPECT_EQ(directory_of(plan_for(lab, seen)).change, Change::change);
}

TEST(StoragePlan, NothingIsMadeWhereTheLabsFilesystemIsNotMounted) {
    auto under_the_mount_point = nothing_there();
    under_the_mount_point.root_marked = 0;
    auto empty_directory = under_the_mount_point;
    empty_directory.directory_exists = empty_directory.empty = 1;
    for (const auto& lab : {made_lab(), example_lab()}) {
        for (const auto& seen : {under_the_mount_point, empty_directory}) {
            const auto step = directory_of(plan_for(lab, seen));
            EXPECT_EQ(step.change, Change::differs);
            ASSERT_TRUE(step.error);
            EXPECT_EQ(step.error->code, Code::unavailable);
            EXPECT_THAT(step.error->what, HasSubstr("/mnt/nfs"));
            EXPECT_THAT(step.error->remedy, HasSubstr("mount it"));
        }
    }
}

TEST(StoragePlan, ALabsOwnMarkProvesNothingBesideTheMarkOfAnotherFilesystem) {
    auto seen = all_there();
    seen.root_marked = 0;
    seen.root_foreign = 1;
    const auto step = directory_of(plan_for(made_lab(), seen));
    EXPECT_EQ(step.change, Change::differs);
    ASSERT_TRUE(step.error);
    EXPECT_THAT(step.error->remedy, HasSubstr("mount it"));
}

TEST(StoragePlan, AMarkOfAFormerVersionIsTakenOverAndNobodysDoing) {
    auto seen = all_there();
    seen.root_marked = 0;
    auto observed = settled();
    observed.lab = seen;
    observed.is_mark_known = false;
    const auto step = directory_of(plan_storage(made_lab(), example_site(), observed));
    EXPECT_EQ(step.change, Change::change);
    EXPECT_TRUE(step.deviations.empty());
}

TEST(StoragePlan, TheFirstLabMarksItsFilesystem) {
    auto seen = nothing_there();
    seen.root_marked = 0;
    EXPECT_EQ(directory_of(plan_storage(example_lab(), example_site(), {seen})).change, Change::create);
}

TEST(StoragePlan, AMarkThatTheFilesystemLostIsSetAgain) {
    auto seen = all_there();
    seen.root_marked = 0;
    const auto step = directory_of(plan_for(made_lab(), seen));
    EXPECT_EQ(step.change, Change::change);
    EXPECT_THAT(step.detail, HasSubstr("filesystem"));
}

TEST(StoragePlan, AMarkerThatAMemberDeletedIsSetAgain) {
    auto seen = all_there();
    seen.marked = 0;
    const auto step = directory_of(plan_for(made_lab(), seen));
    EXPECT_EQ(step.change, Change::change);
    EXPECT_THAT(step.detail, HasSubstr("marker"));
}

TEST(StoragePlan, DoesNotTakeAnotherLabsFiles) {
    auto seen = all_there();
    seen.uid = seen.gid = 700002;
    const auto step = directory_of(plan_for(example_lab(), seen));
    EXPECT_EQ(step.change, Change::differs);
    EXPECT_THAT(step.error->what, HasSubstr("uid 700002"));
}

TEST(StoragePlan, AUidOfAnotherLabOnTheDiskIsNotGivenTwice) {
    auto seen = nothing_there();
    seen.uid_owner.assign_cut("lab7");
    const auto step = directory_of(plan_for(example_lab(), seen));
    EXPECT_EQ(step.change, Change::differs);
    ASSERT_TRUE(step.error);
    EXPECT_THAT(step.error->what, HasSubstr("lab7"));
}

TEST(StoragePlan, TakesKeptDataBack) {
    const auto steps = plan_for(example_lab(), all_there());
    EXPECT_EQ(directory_of(steps).change, Change::change);
    EXPECT_THAT(directory_of(steps).detail, HasSubstr("kept"));
    EXPECT_EQ(quota_of(steps).change, Change::unchanged);
}

TEST(StoragePlan, ChangesAQuotaAndSaysWhatItWas) {
    auto lab = made_lab();
    lab.settings.quota_bytes = 1ull << 40;
    const auto step = quota_of(plan_for(lab, all_there()));
    EXPECT_EQ(step.change, Change::change);
    EXPECT_THAT(step.detail, HasSubstr("was 10TiB, 50000000 files"));
}

TEST(StoragePlan, LiftsAQuota) {
    auto lab = made_lab();
    lab.settings.quota_bytes = lab.settings.quota_inodes = 0;
    const auto step = quota_of(plan_for(lab, all_there()));
    EXPECT_EQ(step.change, Change::change);
    EXPECT_EQ(step.title, "quota none");
}

TEST(StoragePlan, ChangesOnlyTheNumberOfFiles) {
    auto lab = made_lab();
    lab.settings.quota_inodes = 1;
    EXPECT_EQ(quota_of(plan_for(lab, all_there())).change, Change::change);
}

TEST(StoragePlan, AQuotaRoundedToBlocksIsTheSame) {
    auto lab = made_lab();
    lab.settings.quota_bytes = (1ull << 30) + 1;
    auto seen = all_there();
    seen.quota_bytes = (1ull << 30) + 512;
    EXPECT_EQ(quota_of(plan_for(lab, seen)).change, Change::unchanged);
    seen.quota_bytes = (1ull << 30) + 8192;
    EXPECT_EQ(quota_of(plan_for(lab, seen)).change, Change::change);
}

TEST(StoragePlan, BtrfsCannotLimitFilesAndIsNotAskedToForEver) {
    auto seen = all_there();
    seen.quota_backend = message::QuotaBackend::btrfs;
    seen.quota_inodes = 0;
    const auto step = quota_of(plan_for(made_lab(), seen));
    EXPECT_EQ(step.change, Change::unchanged);
    EXPECT_THAT(step.detail, HasSubstr("btrfs"));
}

TEST(StoragePlan, SaysThatNothingIsEnforcedWithoutABackend) {
    auto seen = all_there();
    seen.quota_backend = message::QuotaBackend::none;
    seen.quota_bytes = 0;
    const auto step = quota_of(plan_for(made_lab(), seen));
    EXPECT_EQ(step.change, Change::unchanged);
    EXPECT_THAT(step.detail, HasSubstr("pods are not limited"));
}

TEST(StoragePlan, SetsAQuotaWhereTheBackendIsNotKnownYet) {
    const auto steps = plan_for(example_lab(), message::LabObservation{});
    EXPECT_EQ(quota_of(steps).change, Change::create);
    EXPECT_THAT(quota_of(steps).detail, testing::IsEmpty());
}

TEST(StoragePlan, GivesALabWithoutAProjectTheOneThatIsOffered) {
    auto lab = made_lab();
    lab.project_id = 0;
    auto seen = all_there();
    seen.project_id = seen.project_whole = 0;
    seen.project_offer = 700001 + (1 << 24);
    const auto step = quota_of(plan_for(lab, seen));
    EXPECT_TRUE(step.does_something());
    EXPECT_EQ(step.project_id, 700001u + (1 << 24));
    EXPECT_THAT(step.detail, HasSubstr("project id none instead of 17477217"));
    // Its directory has it already: a database out of a backup.
    seen.project_id = seen.project_offer;
    seen.project_whole = 1;
    EXPECT_EQ(quota_of(plan_for(lab, seen)).project_id, 700001u + (1 << 24));
}

TEST(StoragePlan, OffersAProjectBeforeThereIsADirectory) {
    auto lab = example_lab();
    lab.project_id = 0;
    auto seen = nothing_there();
    seen.project_offer = 700001;
    EXPECT_EQ(quota_of(plan_for(lab, seen)).project_id, 700001u);
}

TEST(StoragePlan, PutsALabBackIntoItsProject) {
    auto seen = all_there();
    seen.project_id = 4242;
    const auto step = quota_of(plan_for(made_lab(), seen));
    EXPECT_EQ(step.change, Change::change);
    EXPECT_EQ(step.project_id, 0u) << "it keeps its own";
    EXPECT_EQ(step.detail, "project id 4242 instead of 700001");
}

TEST(StoragePlan, SaysHowQuotasAreSwitchedOn) {
    auto seen = all_there();
    seen.quota_backend = message::QuotaBackend::none;
    seen.quota_why.assign_cut("labs.root is on XFS, with project quotas off: in /etc/fstab");
    EXPECT_THAT(quota_of(plan_for(made_lab(), seen)).detail, HasSubstr("in /etc/fstab"));
}

TEST(StoragePlan, PublishesAMissingExport) {
    auto seen = all_there();
    seen.exported = seen.export_present = 0;
    EXPECT_EQ(export_of(plan_for(made_lab(), seen)).change, Change::create);
}

TEST(StoragePlan, ChangesAnExportThatIsOtherwise) {
    auto seen = all_there();
    seen.exported = 0;
    const auto steps = plan_for(made_lab(), seen);
    EXPECT_EQ(export_of(steps).change, Change::change);
    EXPECT_EQ(steps.back().change, Change::change) << "and looks whether it can be mounted";
}

TEST(StoragePlan, TellsTheSupervisorAboutANewQuotaOnce) {
    auto lab = made_lab();
    lab.settings.quota_bytes = 1ull << 40;
    auto seen = all_there();
    seen.quota_bytes = 1ull << 40;
    auto observed = settled();
    observed.lab = seen;
    EXPECT_EQ(plan_storage(lab, example_site(), observed)[3].change, Change::change);
    observed.served = served_form(lab, example_site());
    EXPECT_EQ(plan_storage(lab, example_site(), observed)[3].change, Change::unchanged);
}

TEST(StoragePlan, TellsWhichFtpsSettingsChange) {
    auto lab = made_lab();
    const auto step = [&lab](const Site& site) { return plan_storage(lab, site, settled())[3]; };
    EXPECT_EQ(step(example_site()).change, Change::unchanged);
    lab.settings.durability = Durability::none;
    lab.settings.data_tls_resumption = Resumption::optional;
    EXPECT_EQ(step(example_site()).change, Change::change);
    EXPECT_EQ(step(example_site()).detail,
              "durability none instead of full, data TLS resumption optional instead of required");
    // A lab that does not choose follows the configuration, one that chooses does not.
    auto lax = example_site();
    lax.durability = Durability::none;
    lab.settings = made_lab().settings;
    EXPECT_EQ(step(lax).detail, "durability none instead of full");
    lab.settings.durability = Durability::full;
    EXPECT_EQ(step(lax).change, Change::unchanged);
}

TEST(StoragePlan, ChecksTheMountUntilItWasFoundGood) {
    auto observed = settled();
    observed.verified = false;
    const auto steps = plan_storage(made_lab(), example_site(), observed);
    EXPECT_EQ(steps.back().kind, StepKind::check_mount);
    EXPECT_TRUE(steps.back().does_something());
}

TEST(StoragePlan, SaysWhatAQuotaChangesForFtps) {
    auto lab = made_lab();
    lab.settings.quota_bytes *= 2;
    const auto steps = plan_storage(lab, example_site(), settled());
    EXPECT_EQ(steps.at(3).kind, StepKind::serve_ftps);
    EXPECT_EQ(steps.at(3).detail, "uploads are counted against the new quota");
}

/// Where the limit is made, and not only where it is there.
TEST(StoragePlan, SaysFromTheFirstThatBtrfsCountsNoFiles) {
    auto seen = nothing_there();
    seen.quota_backend = message::QuotaBackend::btrfs;
    EXPECT_THAT(quota_of(plan_for(example_lab(), seen)).detail, HasSubstr("btrfs limits no number of files"));
    seen = all_there();
    seen.quota_backend = message::QuotaBackend::btrfs;
    seen.quota_bytes = 4096;
    const auto step = quota_of(plan_for(made_lab(), seen));
    EXPECT_THAT(step.detail, HasSubstr("was 4KiB"));
    EXPECT_THAT(step.detail, HasSubstr("btrfs limits no number of files"));
}

TEST(StoragePlan, SaysToWhomALabWasExported) {
    auto lab = made_lab();
    lab.settings.clients = {"10.0.0.0/8", "192.168.0.0/16"};
    auto seen = all_there();
    seen.exported = 0;
    auto steps = plan_for(lab, seen);
    name_former_clients(made_lab(), lab, steps);
    EXPECT_EQ(export_of(steps).detail, "was to 10.0.0.0/8");
}

TEST(StoragePlan, NamesWhomTheServerLetsIn) {
    auto lab = made_lab();
    lab.settings.clients = {"10.0.0.0/8", "192.168.0.0/16:ro"};
    auto seen = all_there();
    seen.exported = 0;
    ASSERT_TRUE(seen.exported_to.assign("10.0.0.0/8,0.0.0.0/0"));
    auto step = export_of(plan_for(lab, seen));
    EXPECT_EQ(step.detail, "the server has it otherwise: to 10.0.0.0/8, 0.0.0.0/0");
    ASSERT_EQ(step.deviations.size(), 1u);
    EXPECT_EQ(step.deviations[0].was, "to 10.0.0.0/8, 0.0.0.0/0");
    ASSERT_TRUE(seen.exported_to.assign("10.0.0.0/8,192.168.0.0/16:ro"));
    EXPECT_THAT(export_of(plan_for(lab, seen)).detail, HasSubstr("with other options"));
}

/// A file of somebody's own beside ours opens it: ours is as meant, and it is somebody's change all the same.
TEST(StoragePlan, WhoIsLetInBesideTheLabsClientsIsNoLossOfTheServers) {
    auto seen = all_there();
    seen.exported = 0;
    seen.export_on_file = 1;
    EXPECT_TRUE(export_of(plan_for(made_lab(), seen)).deviations.empty());
    ASSERT_TRUE(seen.exported_to.assign("10.0.0.0/8,0.0.0.0/0"));
    EXPECT_EQ(export_of(plan_for(made_lab(), seen)).deviations.size(), 1u);
}

/// The server has it otherwise since the lab is asked for otherwise: that is no news.
TEST(StoragePlan, SaysNothingOfAnExportThatTheAdminChanges) {
    auto seen = all_there();
    seen.exported = 0;
    auto steps = plan_for(made_lab(), seen);
    EXPECT_EQ(export_of(steps).detail, "the server has it otherwise: not at all");
    hide_former_export(steps);
    EXPECT_EQ(export_of(steps).detail, "");
}

}  // namespace
}  // namespace stowage::controller
