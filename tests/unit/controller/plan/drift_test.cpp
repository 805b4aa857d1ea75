// What counts as somebody else's change.
#include <gmock/gmock.h>

#include "tests/unit/controller/plan/example.hpp"

namespace stowage::controller {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto boot = "boot-1";

FoundRight right() {
    return {wanted_form(made_lab(), example_site()), boot, message::QuotaBackend::xfs};
}

std::vector<Step> plan_for(const message::LabObservation& seen, const Lab& lab = made_lab()) {
    auto observed = settled();
    observed.lab = seen;
    return plan_storage(lab, example_site(), observed);
}

std::vector<Drift> drift_in(const message::LabObservation& seen, const FoundRight& before = right(),
                            const std::string& now = boot) {
    return find_drift(before, wanted_form(made_lab(), example_site()), now, seen, plan_for(seen));
}

std::string words(const std::vector<Drift>& drift) {
    std::string text;
    for (const auto& [kind, deviation, ours] : drift)
        text += deviation.what + " " + deviation.was + " -> " + deviation.should_be +
                (ours ? "; " : " (theirs); ");
    return text;
}

TEST(Drift, OfALabThatIsAsItWasIsNone) {
    EXPECT_THAT(drift_in(all_there()), IsEmpty());
}

TEST(Drift, SaysWhatWasAndWhatShouldBe) {
    auto seen = all_there();
    seen.uid = seen.gid = 0;
    seen.mode = 0755;
    seen.quota_bytes = 1 << 30;
    seen.project_id = 0;
    EXPECT_EQ(words(drift_in(seen)),
              "owner 0:0 -> 700001:700001; mode 755 -> 2770; project id none -> 700001; "
              "quota 1GiB, 50000000 files -> 10TiB, 50000000 files; ");
}

TEST(Drift, AFileTreeThatLostItsProjectIsSeen) {
    auto seen = all_there();
    seen.project_whole = 0;
    EXPECT_EQ(words(drift_in(seen)), "project id not on every file -> 700001; ");
}

TEST(Drift, IsOnlyWhatChangedWhileTheSameWasWanted) {
    auto seen = all_there();
    seen.quota_bytes = 1 << 30;
    EXPECT_THAT(drift_in(seen, FoundRight{}), IsEmpty()) << "it was never right";
    auto before = right();
    before.wanted += " otherwise";
    EXPECT_THAT(drift_in(seen, before), IsEmpty()) << "something else is wanted now";
    auto raised = made_lab();
    raised.settings.quota_bytes *= 2;
    EXPECT_NE(wanted_form(raised, example_site()), wanted_form(made_lab(), example_site()));
}

TEST(Drift, IsLookedForWhereTheSameIsWantedAndAllOfItIsSeen) {
    const auto wanted = wanted_form(made_lab(), example_site());
    const auto looks = [&](const message::LabObservation& seen, const FoundRight& before) {
        return looks_for_drift(before, wanted, seen, plan_for(seen));
    };
    EXPECT_TRUE(looks(all_there(), right()));
    EXPECT_FALSE(looks(all_there(), FoundRight{}));
    EXPECT_FALSE(looks(message::LabObservation(), right()));
    auto seen = all_there();
    seen.quota_backend = message::QuotaBackend::none;
    EXPECT_FALSE(looks(seen, right())) << "its limit is not";
    seen = all_there();
    seen.marked = 0;
    seen.uid = seen.gid = 33;
    EXPECT_FALSE(looks(seen, right())) << "it is not ours";
}

TEST(Drift, OfMountsAndExportsIsExplainedByAReboot) {
    auto seen = all_there();
    seen.mounted = seen.exported = seen.export_present = 0;
    EXPECT_EQ(words(drift_in(seen)),
              "mount not mounted, or not nosuid and nodev -> mounted; export missing -> to 10.0.0.0/8; ");
    EXPECT_THAT(drift_in(seen, right(), "boot-2"), IsEmpty());
    seen.mode = 0777;
    EXPECT_EQ(words(drift_in(seen, right(), "boot-2")), "mode 777 -> 2770; ");
}

TEST(Drift, OfAFilesystemThatIsNotThereIsToldAndNotRepaired) {
    message::LabObservation seen;
    const auto found = words(drift_in(seen));
    EXPECT_THAT(found, HasSubstr("filesystem not mounted -> mounted on /mnt/nfs (theirs)"));
}

TEST(Drift, OfForeignFilesIsToldAndNotTouched) {
    auto seen = all_there();
    seen.marked = 0;
    seen.uid = seen.gid = 33;
    const auto steps = plan_for(seen);
    EXPECT_EQ(steps[0].change, Change::differs);
    EXPECT_THAT(words(drift_in(seen)),
                HasSubstr("was not made by stowage and holds files -> the lab's (theirs)"));
}

TEST(Drift, QuotasThatAreOffAfterARemountAreTold) {
    auto seen = all_there();
    seen.quota_backend = message::QuotaBackend::none;
    EXPECT_EQ(words(drift_in(seen)), "quota enforcement not enforced -> enforced by XFS (theirs); ");
}

TEST(Drift, LeftAloneNeitherItNorTheMountCheckIsDone) {
    auto seen = all_there();
    seen.quota_bytes = 1 << 30;
    auto steps = plan_for(seen);
    EXPECT_TRUE(steps[1].does_something() && steps[4].does_something());
    leave_alone(steps, drift_in(seen));
    EXPECT_FALSE(steps[1].does_something() || steps[4].does_something());
    EXPECT_THAT(steps[1].detail, HasSubstr("left as it is"));
}

TEST(Drift, LeftAloneAMountThatARebootTookIsMadeAndNothingElse) {
    auto seen = all_there();
    seen.mounted = 0;
    seen.mode = 0777;
    auto steps = plan_for(seen);
    leave_alone(steps, drift_in(seen, right(), "boot-2"));
    EXPECT_TRUE(steps[0].does_something() && steps[0].only_mount);
    EXPECT_THAT(steps[0].detail, HasSubstr("left as it is"));
    EXPECT_FALSE(steps[4].does_something()) << "it would only find the mode again";
    steps = plan_for(seen);
    leave_alone(steps, drift_in(seen));
    EXPECT_FALSE(steps[0].does_something()) << "unmounted by hand, it is drift as the mode is";
}

TEST(Drift, LeftAloneOtherStepsAreDone) {
    auto seen = all_there();
    seen.mode = 0700;
    auto observed = settled();
    observed.lab = seen;
    observed.served.reset();
    auto steps = plan_storage(made_lab(), example_site(), observed);
    leave_alone(steps, find_drift(right(), right().wanted, boot, seen, steps));
    EXPECT_FALSE(steps[0].does_something());
    EXPECT_TRUE(steps[3].does_something()) << "FTPS goes on";
}

}  // namespace
}  // namespace stowage::controller
