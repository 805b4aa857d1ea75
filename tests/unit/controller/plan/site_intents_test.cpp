// What was about to be made: when it counts as ours, and when it does not any more. And lists that a hostile
// Run:ai makes long. Runs in: unit tests.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <time.h>

#include <functional>

#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {
namespace {

constexpr std::int64_t now = 1'790'000'000;
constexpr std::int64_t long_ago = now - 601, just_now = now - 599;

WantedMember member(const std::string& email) {
    return {email, "lab1", "p1", {"L2 researcher"}};
}

ObservedSite everything() {
    ObservedSite site;
    site.cluster = {"a418ed33-9399-48c0-a890-122cadd13bfd", "runai-cluster", "2.20.29", "Connected"};
    site.node_pools = {{"1", {"prod", "k", "v", "binpack"}, false, "Ready", 1}};
    site.departments = {{"200", {"lab1", site.cluster.uuid, "", {}, {}}, "", {}, "{}"}};
    site.projects = {{"300", {"p1", site.cluster.uuid, "200", {}, {}}, "Ready", {}, "{}"}};
    site.roles = {{4, "L2 researcher", true}};
    site.users = {{"u1", "Alice@Example.org", false}};
    site.access_rules = {{7, "user", {"Alice@Example.org", 4, "project", "300"}, ""}};
    site.compute_resources = {{"c1", "tenant", {"gpu1", 1, {}, {}, false}}};
    return site;
}

std::vector<OwnedObject> intents(std::int64_t since) {
    std::vector<OwnedObject> all = {
        {ObjectKind::node_pool, "prod", ""},
        {ObjectKind::department, "lab1", ""},
        {ObjectKind::project, "lab1/p1", ""},
        {ObjectKind::compute_resource, "gpu1", ""},
        {ObjectKind::user, "alice@example.org", ""},
        {ObjectKind::access_rule, rule_key(member("alice@example.org"), "L2 researcher"), ""}};
    for (auto& one : all)
        one.since = since;
    return all;
}

TEST(Intents, ComeToNothingWhenALookLongAfterThemDoesNotShowThem) {
    const ObservedSite nothing;
    EXPECT_EQ(intents_come_to_nothing(nothing, intents(long_ago), now).size(), 6U);
}

/// Their request may have been stored without an answer: then they are ours, however late we look.
TEST(Intents, StayWhenWhatTheyAreAboutIsThere) {
    for (const auto& one : intents_come_to_nothing(everything(), intents(1), now))
        ADD_FAILURE() << to_string(one.kind) << ' ' << one.key;
}

TEST(Intents, StayWhileTheirRequestMayBeUnderWay) {
    const ObservedSite nothing;
    EXPECT_TRUE(intents_come_to_nothing(nothing, intents(just_now), now).empty());
    EXPECT_TRUE(intents_come_to_nothing(nothing, intents(now + 5000), now).empty()) << "a clock set back";
}

TEST(Intents, WhatIsKnownByItsIdIsNone) {
    auto known = intents(1);
    for (auto& one : known)
        one.remote_id = "id";
    EXPECT_TRUE(intents_come_to_nothing(ObservedSite(), known, now).empty());
}

WantedSite two_people() {
    WantedSite site;
    WantedUnit unit{"lab1", {{"prod", 1}}, false, {"prod"}};
    auto project = unit;
    project.name = "p1";
    site.departments = {{unit, {project}}};
    site.members = {member("alice@example.org"), member("carol@example.org")};
    return site;
}

const SiteItem& user_in(const std::vector<SiteItem>& items, const std::string& email) {
    for (const auto& item : items)
        if (item.kind == ObjectKind::user && item.key == email) return item;
    throw std::runtime_error("no such user");
}

/// Carol is there, an intent of ours too, and alice is ours.
class Carol : public testing::Test {
  protected:
    SiteItem plan(const std::string& alices_maker, const std::string& carols_maker, bool logged_in = false) {
        auto observed = everything();
        observed.users = {{"u1", "alice@example.org", false, alices_maker},
                          {"u2", "carol@example.org", logged_in, carols_maker}};
        const std::vector<OwnedObject> owned = {{ObjectKind::user, "alice@example.org", "u1"},
                                                {ObjectKind::user, "carol@example.org", ""}};
        return user_in(plan_site_objects(two_people(), observed, owned, false), "carol@example.org");
    }
};

/// Fails where an intent alone makes her ours: she is deleted then, and made once more.
TEST_F(Carol, WhomSomebodyElseMadeIsNotOurs) {
    const auto item = plan("stowage", "admin@example.org");
    EXPECT_EQ(item.change, Change::unchanged);
    EXPECT_FALSE(item.was_cut_off);
    EXPECT_THAT(item.detail, testing::HasSubstr("not ours"));
}

TEST_F(Carol, WhoseMakingWasCutOffIsMadeAnew) {
    EXPECT_EQ(plan("stowage", "stowage").change, Change::create);
    // Nobody says who made whom.
    EXPECT_EQ(plan("", "admin@example.org").change, Change::create);
    EXPECT_EQ(plan("stowage", "").change, Change::create);
}

/// With a password that is not ours. What is taken over is never pruned.
TEST_F(Carol, WhoHasLoggedInIsTakenOverAndNotCalledMade) {
    const auto item = plan("", "", true);
    EXPECT_EQ(item.change, Change::adopt);
    EXPECT_FALSE(item.was_cut_off);
}

double seconds_of_processor(const std::function<void()>& work) {
    const auto before = ::clock();
    work();
    return static_cast<double>(::clock() - before) / CLOCKS_PER_SEC;
}

/// Fails where each wanted object goes through each list: that takes minutes here, in the event loop.
TEST(HostileLists, AreComparedInATimeThatGrowsWithThemAlone) {
    auto observed = everything();
    auto wanted = two_people();
    std::vector<OwnedObject> owned;
    for (int i = 0; i < 100'000; ++i) {
        const auto email = fmt::format("nobody.of.that.name.{}@example.org", i);
        observed.users.push_back({fmt::format("u{}", i), email, false});
        observed.access_rules.push_back({i, "user", {email, 4, "project", "300"}, ""});
        observed.compute_resources.push_back({fmt::format("c{}", i), "tenant", {email, 1, {}, {}, false}});
        observed.projects.push_back(
            {fmt::format("{}", 1000 + i), {email, "", "200", {}, {}}, "Ready", {}, "{}"});
        observed.roles.push_back({100 + i, email, true});
    }
    for (int i = 0; i < 10'000; ++i) {
        wanted.members.push_back(member(fmt::format("user{}@example.org", i)));
        wanted.compute_resources.push_back({fmt::format("gpu{}", i), 1, {}, {}, false});
        owned.push_back({ObjectKind::user, wanted.members.back().email, fmt::format("x{}", i)});
        owned.push_back({ObjectKind::access_rule, rule_key(member(fmt::format("gone{}@example.org", i)), "r"),
                         fmt::format("{}", 1'000'000 + i)});
    }
    std::size_t items = 0, pruned = 1;
    const auto spent = seconds_of_processor([&] {
        items = plan_site_objects(wanted, observed, owned, false).size();
        pruned = plan_prune(wanted, observed, owned).size();
    });
    EXPECT_EQ(items, 2U + 10'000 + 2 * 10'002);
    EXPECT_EQ(pruned, 0U);
    EXPECT_LT(spent, 20);
}

/// One unit of as many pools as are taken: each is looked for once.
TEST(HostileLists, OfPoolsInAUnitToo) {
    runai::OrgUnit wanted{"lab1", "", "", {}, {}}, found = wanted;
    for (int i = 0; i < 50'000; ++i)
        wanted.quotas.push_back({fmt::format("pool number {}", i), "", 1, 1});
    found.quotas.assign(wanted.quotas.rbegin(), wanted.quotas.rend());
    std::size_t differing = 1;
    const auto spent = seconds_of_processor([&] { differing = runai::differences(wanted, found).size(); });
    EXPECT_EQ(differing, 0U);
    EXPECT_LT(spent, 3);
}

}  // namespace
}  // namespace stowage::controller
