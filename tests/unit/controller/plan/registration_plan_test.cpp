// plan_registration(): what is done in Run:ai, from what is there and what is ours.
// Runs in: unit tests.
#include <gmock/gmock.h>

#include "example.hpp"

namespace stowage::controller {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const OwnedDataSource made{"uuid-1", true, wanted_source()};
const OwnedDataSource adopted{"uuid-1", false, wanted_source()};
const OwnedDataSource intended{"", true, wanted_source()};

Step step_for(const std::optional<runai::ObservedDataSource>& found,
              const std::optional<OwnedDataSource>& owned) {
    const auto steps =
        plan_registration(made_lab(), example_site(), KnownRegistration{{"100002"}, found}, owned);
    EXPECT_THAT(steps, SizeIs(1));
    return steps.at(0);
}

runai::ObservedDataSource found_with_path(const std::string& path) {
    auto found = found_source();
    found.value.path = path;
    return found;
}

TEST(RegistrationPlan, NothingWithoutRunai) {
    EXPECT_THAT(plan_registration(made_lab(), example_site(), NoRunai{}, std::nullopt), IsEmpty());
}

TEST(RegistrationPlan, FormsTheDataSourceFromLabAndSite) {
    EXPECT_THAT(runai::differences(data_source_form(made_lab(), example_site(), {"100002"}), wanted_source()),
                IsEmpty());
}

TEST(RegistrationPlan, CreatesWhatIsAbsent) {
    EXPECT_EQ(step_for(std::nullopt, std::nullopt).change, Change::create);
}

TEST(RegistrationPlan, CreatesAgainWhatSomebodyDeleted) {
    const auto step = step_for(std::nullopt, made);
    EXPECT_EQ(step.change, Change::create);
    EXPECT_THAT(step.detail, HasSubstr("gone"));
}

TEST(RegistrationPlan, DeletesOursOfAnotherScopeBeforeItMakesTheNewOne) {
    auto lab = made_lab();
    lab.settings.data_source_project = "lab1-debug";
    const KnownRegistration of_project{{"100002", "100007"}, std::nullopt};
    const auto steps = plan_registration(lab, example_site(), of_project, made);
    ASSERT_THAT(steps, SizeIs(2));
    EXPECT_EQ(steps[0].kind, StepKind::unregister_data_source);
    EXPECT_EQ(steps[0].data_source->remote_id, "uuid-1");
    EXPECT_EQ(steps[1].change, Change::create);
    EXPECT_EQ(steps[1].title, "data source lab1-nfs in project lab1/lab1-debug");
    EXPECT_TRUE(depends_on(steps[1].kind, steps[0].kind));
    // What is not ours keeps its name, and Run:ai says so.
    EXPECT_THAT(plan_registration(lab, example_site(), of_project, adopted), SizeIs(1));
    EXPECT_THAT(plan_registration(lab, example_site(), of_project, intended), SizeIs(1));
    const auto form = data_source_form(lab, example_site(), of_project.scope);
    EXPECT_THAT(runai::to_string(runai::differences(form, wanted_source())), HasSubstr("projectId"));
    EXPECT_THAT(runai::to_string(runai::differences(wanted_source(), form)), HasSubstr("projectId"));
}

TEST(RegistrationPlan, CreatesAfterARequestThatNeverArrived) {
    EXPECT_EQ(step_for(std::nullopt, intended).change, Change::create);
}

TEST(RegistrationPlan, LeavesWhatIsEqualAndOurs) {
    EXPECT_EQ(step_for(found_source(), made).change, Change::unchanged);
    EXPECT_EQ(step_for(found_source(), adopted).change, Change::unchanged);
}

TEST(RegistrationPlan, AdoptsWhatIsEqualAndNotOurs) {
    const auto step = step_for(found_source(), std::nullopt);
    EXPECT_EQ(step.change, Change::adopt);
    ASSERT_TRUE(step.data_source);
    EXPECT_EQ(step.data_source->remote_id, "uuid-1");
    EXPECT_FALSE(step.data_source->made) << "so that it is never deleted by us";
}

TEST(RegistrationPlan, KnowsItsOwnAfterALostAnswer) {
    const auto step = step_for(found_source(), intended);
    EXPECT_EQ(step.change, Change::adopt);
    ASSERT_TRUE(step.data_source);
    EXPECT_TRUE(step.data_source->made);
}

TEST(RegistrationPlan, KnowsItsOwnAfterALostAnswerAndANewConfiguration) {
    auto sent = intended;
    sent.sent.server = "old.example";
    auto found = found_source();
    found.value.server = "old.example";
    const auto step = step_for(found, sent);
    EXPECT_EQ(step.change, Change::adopt);
    EXPECT_TRUE(step.data_source->made);
}

TEST(RegistrationPlan, UpdatesItsOwn) {
    const auto step = step_for(found_with_path("/srv"), made);
    EXPECT_EQ(step.change, Change::change);
    EXPECT_THAT(step.detail, HasSubstr("/srv"));
    EXPECT_EQ(step.data_source->remote_id, "uuid-1");
}

TEST(RegistrationPlan, ReportsWhatDiffersAndIsNotOurs) {
    for (const auto& owned :
         {std::optional<OwnedDataSource>(), std::optional(adopted), std::optional(intended)}) {
        const auto step = step_for(found_with_path("/srv"), owned);
        EXPECT_EQ(step.change, Change::differs);
        EXPECT_FALSE(step.does_something());
        ASSERT_TRUE(step.error);
        EXPECT_EQ(step.error->code, Code::differs);
        EXPECT_THAT(step.error->what, HasSubstr("path: wanted /mnt/nfs/lab1, found /srv"));
        EXPECT_FALSE(step.error->remedy.empty());
    }
}

TEST(RegistrationPlan, AnotherOneOfItsNameIsNotItsOwn) {
    auto found = found_with_path("/srv");
    found.id = "uuid-2";
    EXPECT_EQ(step_for(found, made).change, Change::differs);
    found.created_by = "carol@example.org\n";
    EXPECT_THAT(step_for(found, made).error->what,
                HasSubstr("that carol@example.org\\x0a made, not stowage"));
    found.created_by.clear();
    EXPECT_THAT(step_for(found, made).error->what, HasSubstr("that somebody made, not stowage"));
    auto equal = found_source();
    equal.id = "uuid-2";
    const auto step = step_for(equal, made);
    EXPECT_EQ(step.change, Change::adopt);
    EXPECT_EQ(step.data_source->remote_id, "uuid-2");
    EXPECT_FALSE(step.data_source->made);
}

TEST(RegistrationPlan, ReadOnlyIsADifference) {
    auto found = found_source();
    found.value.read_only = true;
    EXPECT_THAT(step_for(found, made).detail, HasSubstr("readOnly"));
}

TEST(RegistrationPlan, CarriesTheReasonWhenRunaiCannotBeAsked) {
    const UnknownRegistration unknown{{Code::unavailable, "connect to runai.local: refused"}};
    const auto fresh = plan_registration(made_lab(), example_site(), unknown, std::nullopt);
    ASSERT_THAT(fresh, SizeIs(1));
    EXPECT_EQ(fresh[0].change, Change::create);
    ASSERT_TRUE(fresh[0].error);
    EXPECT_EQ(fresh[0].error->code, Code::unavailable);
    const auto known = plan_registration(made_lab(), example_site(), unknown, made);
    EXPECT_EQ(known.at(0).change, Change::unchanged);
    EXPECT_TRUE(known.at(0).error);
}

}  // namespace
}  // namespace stowage::controller
