// plan_site_objects(): what becomes of each object, from values alone.
// Runs in: unit tests.
#include <gmock/gmock.h>

#include "gateway/controller/plan/unknown_pools.hpp"

namespace stowage::controller {
namespace {

using testing::HasSubstr;

WantedSite one_lab() {
    WantedSite site;
    site.node_pools = {{"prod", "example.org/pool", "prod", "binpack"}};
    WantedUnit unit{"lab1", {{"prod", 100}}, false, {"prod"}};
    auto project = unit;
    project.name = "lab1-default-project";
    site.departments = {{unit, {project}}};
    site.members = {{"alice@example.org", "lab1", "lab1-default-project", {"L2 researcher"}}};
    site.compute_resources = {{"gpu1", 1, {}, {}, false}};
    return site;
}

ObservedSite nothing_yet() {
    ObservedSite site;
    site.cluster = {"a418ed33-9399-48c0-a890-122cadd13bfd", "runai-cluster", "2.20.29", "Connected"};
    site.node_pools = {{"100000", {"default", "k", "v", ""}, true, "Ready", 1}};
    site.roles = {{4, "L2 researcher", true}};
    return site;
}

/// As one_lab() once it is applied.
ObservedSite applied() {
    auto site = nothing_yet();
    site.node_pools.push_back({"100001", {"prod", "example.org/pool", "prod", "binpack"}, false, "Ready", 1});
    const auto wanted = one_lab();
    site.departments = {{"200", unit_form(wanted.departments[0].unit, site, ""), "", {}, "{}"}};
    site.projects = {
        {"300", unit_form(wanted.departments[0].projects[0], site, "200"), "Ready", {"prod"}, "{}"}};
    site.users = {{"u1", "alice@example.org", false}};
    site.access_rules = {{7, "user", {"alice@example.org", 4, "project", "300"}, ""}};
    site.compute_resources = {{"c1", "tenant", {"gpu1", 1, 1.0, {}, false}}};
    return site;
}

std::vector<OwnedObject> all_ours() {
    return {{ObjectKind::node_pool, "prod", "100001", true},
            {ObjectKind::department, "lab1", "200", true},
            {ObjectKind::project, "lab1/lab1-default-project", "300", true},
            {ObjectKind::user, "alice@example.org", "u1", true},
            {ObjectKind::access_rule, rule_key(one_lab().members[0], "L2 researcher"), "7", true},
            {ObjectKind::compute_resource, "gpu1", "c1", true}};
}

Change change_of(const std::vector<SiteItem>& items, ObjectKind kind) {
    for (const auto& item : items)
        if (item.kind == kind) return item.change;
    return Change::remove;
}

const SiteItem& item_of(const std::vector<SiteItem>& items, ObjectKind kind) {
    for (const auto& item : items)
        if (item.kind == kind) return item;
    throw std::runtime_error("no such item");
}

TEST(SitePlan, MakesEverythingInTheOrderOfNeed) {
    const auto items = plan_site_objects(one_lab(), nothing_yet(), {}, false);
    ASSERT_EQ(items.size(), 6U);
    for (std::size_t i = 0; i < items.size(); ++i) {
        EXPECT_EQ(items[i].change, Change::create) << items[i].title();
        if (i > 0) {
            EXPECT_LE(items[i - 1].kind, items[i].kind);
        }
    }
    EXPECT_EQ(item_of(items, ObjectKind::department).detail, "100 GPUs of prod; order prod; over quota off");
}

TEST(SitePlan, FindsNothingToDoOnceAllIsDone) {
    for (const auto& item : plan_site_objects(one_lab(), applied(), all_ours(), false))
        EXPECT_EQ(item.change, Change::unchanged) << item.title() << ": " << runai::to_string(item.fields);
}

TEST(SitePlan, ListsEveryOtherPoolWithNothing) {
    const auto unit = unit_form(one_lab().departments[0].unit, nothing_yet(), "");
    ASSERT_EQ(unit.quotas.size(), 2U);
    EXPECT_EQ(unit.quotas[0], (runai::PoolQuota{"100000", "default", 0, 0}));
    EXPECT_EQ(unit.quotas[1], (runai::PoolQuota{"", "prod", 100, 100}));
    auto over = one_lab().departments[0].unit;
    over.over_quota = true;
    const auto generous = unit_form(over, nothing_yet(), "");
    EXPECT_EQ(generous.quotas[0].limit, 0);  // a pool that is not named stays shut
    EXPECT_EQ(generous.quotas[1].limit, runai::unlimited);
}

TEST(SitePlan, SetsOverQuotaRightThatANewPoolBrings) {
    auto observed = applied();
    observed.node_pools.push_back({"100002", {"dev", "k", "dev", "binpack"}, false, "Empty", 0});
    for (auto* units : {&observed.departments, &observed.projects})
        units->front().value.quotas.push_back({"100002", "dev", 0, runai::unlimited});
    const auto items = plan_site_objects(one_lab(), observed, all_ours(), false);
    const auto& department = item_of(items, ObjectKind::department);
    EXPECT_EQ(department.change, Change::change);
    ASSERT_EQ(department.fields.size(), 1U);
    EXPECT_EQ(department.fields[0].field, "over quota of dev");
    EXPECT_EQ(department.fields[0].wanted, "off");
    EXPECT_EQ(department.fields[0].found, "on");
}

TEST(SitePlan, TouchesNothingThatItDidNotMake) {
    auto observed = applied();
    observed.departments[0].value.default_pools.clear();
    const auto items = plan_site_objects(one_lab(), observed, {}, false);
    EXPECT_EQ(change_of(items, ObjectKind::department), Change::differs);
    EXPECT_THAT(item_of(items, ObjectKind::department).error->text(), HasSubstr("--adopt"));
    EXPECT_THAT(item_of(items, ObjectKind::department).error->what, HasSubstr("wanted prod, found none"));
    EXPECT_EQ(change_of(items, ObjectKind::user), Change::unchanged);
    EXPECT_EQ(change_of(items, ObjectKind::project), Change::unchanged);
}

TEST(SitePlan, AdoptsWhenAskedTo) {
    auto observed = applied();
    observed.departments[0].value.default_pools.clear();
    const auto items = plan_site_objects(one_lab(), observed, {}, true);
    for (const auto& item : items)
        EXPECT_EQ(item.change, Change::adopt) << item.title();
    EXPECT_EQ(item_of(items, ObjectKind::department).fields.size(), 1U);
}

TEST(SitePlan, TakesBackWhatACutOffRunMade) {
    auto owned = all_ours();
    for (auto& one : owned)
        one.remote_id.clear();
    const auto items = plan_site_objects(one_lab(), applied(), owned, false);
    for (const auto& item : items) {
        // Nobody has seen the password of that user.
        const auto expected = item.kind == ObjectKind::user ? Change::create : Change::adopt;
        EXPECT_EQ(item.change, expected) << item.title();
        EXPECT_TRUE(item.was_cut_off);
    }
    auto observed = applied();
    observed.users[0].has_logged_in = true;
    EXPECT_EQ(change_of(plan_site_objects(one_lab(), observed, owned, false), ObjectKind::user),
              Change::adopt);
}

TEST(SitePlan, DoesNotEditNodePools) {
    auto observed = applied();
    observed.node_pools[1].value.label_value = "other";
    const auto items = plan_site_objects(one_lab(), observed, all_ours(), true);
    EXPECT_EQ(change_of(items, ObjectKind::node_pool), Change::differs);
    EXPECT_THAT(item_of(items, ObjectKind::node_pool).error->remedy, HasSubstr("RUN-27837"));
}

TEST(SitePlan, NamesRolesThatAreNotThereOrOff) {
    auto observed = applied();
    observed.roles[0].enabled = false;
    const auto off = plan_site_objects(one_lab(), observed, {}, false);
    EXPECT_THAT(item_of(off, ObjectKind::access_rule).error->what, HasSubstr("switched on"));
    observed.roles.clear();
    const auto none = plan_site_objects(one_lab(), observed, {}, false);
    EXPECT_EQ(item_of(none, ObjectKind::access_rule).change, Change::differs);
}

TEST(SitePlan, MakesAnewWhatIsGone) {
    auto observed = applied();
    observed.access_rules.clear();
    const auto items = plan_site_objects(one_lab(), observed, all_ours(), false);
    EXPECT_EQ(change_of(items, ObjectKind::access_rule), Change::create);
    EXPECT_THAT(item_of(items, ObjectKind::access_rule).detail, HasSubstr("gone from Run:ai"));
}

TEST(SitePrune, DeletesOnlyWhatItMadeAndNobodyNames) {
    auto wanted = one_lab();
    wanted.members.clear();
    wanted.departments.clear();
    wanted.compute_resources.clear();
    auto owned = all_ours();
    owned.back().made = false;  // adopted
    const auto items = plan_prune(wanted, applied(), owned);
    ASSERT_EQ(items.size(), 2U);
    EXPECT_EQ(items[0].kind, ObjectKind::access_rule);
    EXPECT_EQ(items[1].kind, ObjectKind::user);
    EXPECT_TRUE(plan_prune(one_lab(), applied(), all_ours()).empty());
    EXPECT_TRUE(plan_prune(wanted, applied(), {}).empty());
}

/// As `user add` wrote it down when it still took addresses as they were typed.
std::vector<OwnedObject> ours_with_capitals() {
    auto owned = all_ours();
    for (auto& one : owned)
        if (one.key.rfind("alice@example.org", 0) == 0) one.key.replace(0, 17, "Alice@Example.org");
    return owned;
}

TEST(SitePrune, DeletesNobodyWhomTheFileNamesInOtherLetters) {
    EXPECT_THAT(plan_prune(one_lab(), applied(), ours_with_capitals()), testing::IsEmpty());
    auto without = one_lab();
    without.members.clear();
    const auto items = plan_prune(without, applied(), ours_with_capitals());
    ASSERT_EQ(items.size(), 2U);
    EXPECT_EQ(items[1].key, "Alice@Example.org");  // the row's, so that it goes with her
    // Roles are told apart by capitals.
    auto other = one_lab();
    other.members[0].roles = {"l2 RESEARCHER"};
    EXPECT_EQ(plan_prune(other, applied(), ours_with_capitals()).size(), 1U);
}

TEST(SitePlan, KnowsItsOwnUsersInOtherLetters) {
    auto observed = applied();
    observed.users[0].email = "Alice@Example.org";
    observed.access_rules[0].value.subject = "Alice@Example.org";
    for (const auto& item : plan_site_objects(one_lab(), observed, ours_with_capitals(), false)) {
        EXPECT_EQ(item.change, Change::unchanged) << item.title();
        EXPECT_EQ(item.detail, "") << item.title();
    }
}

/// Each role of a person is an object of Run:ai, written down and looked at like any other.
TEST(SiteChecks, CountRolesToo) {
    auto site = one_lab();
    site.members.clear();
    for (int i = 0; i < 7000; ++i)
        site.members.push_back(
            {"user" + std::to_string(i) + "@example.org", "lab1", "lab1-default-project", {"L2 researcher"}});
    EXPECT_TRUE(check(site));
    for (auto& member : site.members)
        member.roles = {"L2 researcher", "Environment administrator"};
    const auto refused = check(site);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("more than 20000 objects"), std::string::npos);
}

TEST(SiteChecks, RefuseWhatWouldWaitForEver) {
    EXPECT_TRUE(check(one_lab()));
    auto site = one_lab();
    site.departments[0].unit.order.clear();
    EXPECT_THAT(check(site).error().what, HasSubstr("wait for ever"));
    site = one_lab();
    site.departments[0].unit.gpus["prod"] = 0;
    EXPECT_THAT(check(site).error().what, HasSubstr("has no GPUs"));
    site = one_lab();
    site.departments[0].projects[0].gpus["dev"] = 1;
    site.departments[0].projects[0].order = {"dev"};
    EXPECT_THAT(check(site).error().what, HasSubstr("its department lab1 has no GPUs there"));
    site = one_lab();
    site.members[0].project = "elsewhere";
    EXPECT_THAT(check(site).error().what, HasSubstr("no project lab1/elsewhere"));
    site = one_lab();
    site.departments.push_back(site.departments[0]);
    EXPECT_THAT(check(site).error().what, HasSubstr("twice"));
    for (const char* email : {"", "alice", "a@b@c.de", "al ice@example.org"}) {
        site = one_lab();
        site.members[0].email = email;
        EXPECT_FALSE(check(site)) << email;
    }
}

TEST(SiteChecks, WarnOfDefectsOfThisVersion) {
    auto site = one_lab();
    EXPECT_TRUE(site_warnings(site, nothing_yet()).empty());
    // Its projects have orders of their own, and only those count.
    site.departments[0].unit.order = {"prod", "default"};
    EXPECT_TRUE(site_warnings(site, nothing_yet()).empty());
    site.departments[0].projects[0].order = {"prod", "default"};
    const auto warnings = site_warnings(site, nothing_yet());
    ASSERT_EQ(warnings.size(), 1U);
    for (const char* words : {"project lab1/lab1-default-project goes to 2 node pools (prod, default)",
                              "Run:ai here is 2.20.29", "RUN-27309", "node_pool_order: [prod]"})
        EXPECT_THAT(warnings[0], HasSubstr(words));
    auto fixed = nothing_yet();
    fixed.cluster.version = "2.20.39";
    EXPECT_TRUE(site_warnings(site, fixed).empty());
}

TEST(SiteChecks, FindNodePoolsThatAreNowhere) {
    auto site = one_lab();
    site.departments[0].unit.gpus["default"] = 1;
    EXPECT_TRUE(unknown_pools(site, nothing_yet()).empty());
    site.departments[0].unit.gpus["prd"] = 1;
    site.departments[0].projects[0].gpus["prd"] = 1;
    site.departments[0].projects[0].gpus["h100"] = 0;
    EXPECT_EQ(unknown_pools(site, nothing_yet()), (std::vector<std::string>{"h100", "prd"}));
}

TEST(SitePlan, NamesTheRolesThatThereAre) {
    auto site = one_lab();
    site.members[0].roles = {"L3 researcher"};
    auto observed = nothing_yet();
    observed.roles = {{5, "Template administrator", true}, {4, "L2 researcher", true}, {6, "Off", false}};
    const auto items = plan_site_objects(site, observed, {}, false);
    ASSERT_TRUE(items.back().error);
    EXPECT_EQ(items.back().error->remedy, "write one of: L2 researcher, Template administrator");
}

/// As the site file calls them.
TEST(SitePlan, CallsFieldsAsTheFileDoes) {
    auto site = one_lab();
    site.node_pools[0].label_value = "other";
    site.node_pools[0].placement = "spread";
    site.departments[0].unit.gpus["prod"] = 1;
    auto observed = applied();
    observed.departments[0].value.default_pools.clear();
    const auto items = plan_site_objects(site, observed, all_ours(), false);
    std::vector<std::string> fields;
    for (const auto& item : items)
        for (const auto& field : item.fields)
            fields.push_back(field.field);
    EXPECT_THAT(fields, testing::IsSupersetOf({"label", "placement", "GPUs of prod", "node_pool_order"}));
    EXPECT_THAT(fields, testing::Not(testing::Contains("labelValue")));
    observed.departments.clear();
    const auto made = plan_site_objects(site, observed, {}, false);
    EXPECT_EQ(item_of(made, ObjectKind::department).detail, "1 GPU of prod; order prod; over quota off");
}

}  // namespace
}  // namespace stowage::controller
