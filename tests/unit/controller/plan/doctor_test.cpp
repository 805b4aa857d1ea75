// diagnose(): each trap is found, and a site as it should be has none.
// Runs in: unit tests.
#include <gmock/gmock.h>

#include "gateway/controller/plan/doctor.hpp"

namespace stowage::controller {
namespace {

using testing::HasSubstr;

constexpr const char* cluster = "a418ed33-9399-48c0-a890-122cadd13bfd";

Examined healthy() {
    Examined all;
    all.site.cluster = {cluster, "runai-cluster", "2.20.29", "Connected"};
    all.site.node_pools = {{"1", {"default", "k", "default", ""}, true, "Empty", 0},
                           {"2", {"prod", "k", "prod", "binpack"}, false, "Ready", 4}};
    const std::vector<runai::PoolQuota> quotas{{"1", "default", 0, 0}, {"2", "prod", 8, 8}};
    all.site.departments = {{"10", {"lab1", cluster, "", quotas, {"prod"}}, "", {}, "{}"}};
    all.site.projects = {
        {"20", {"lab1-default-project", cluster, "10", quotas, {"prod"}}, "Ready", {"prod"}, "{}"}};
    all.owned = {{ObjectKind::project, "lab1/lab1-default-project", "20", true},
                 {ObjectKind::department, "lab1", "10", true}};
    return all;
}

Finding only(const Examined& examined) {
    const auto findings = diagnose(examined);
    EXPECT_EQ(findings.size(), 1U);
    return findings.empty() ? Finding{} : findings[0];
}

TEST(Doctor, FindsNothingInASiteAsItShouldBe) {
    for (const auto& finding : diagnose(healthy()))
        ADD_FAILURE() << finding.check << ": " << finding.what;
}

TEST(Doctor, FindsWhatIsNotAsApplied) {
    SiteItem changed{ObjectKind::department, "lab1", Change::change};
    changed.fields = {{"GPUs of prod", "8", "2"}};
    const SiteItem gone{ObjectKind::user, "gina@example.org", Change::create, "with a temporary password"};
    const SiteItem same{ObjectKind::department, "lab2", Change::unchanged};
    SiteItem others{ObjectKind::department, "lab3", Change::differs};
    others.error = Error{Code::differs, "it was not made by stowage", "apply with --adopt"};
    const auto findings = not_as_applied({changed, gone, same, others}, false);
    ASSERT_EQ(findings.size(), 3U);
    EXPECT_THAT(findings[0].what, HasSubstr("department lab1 is not as applied: GPUs of prod: "));
    EXPECT_EQ(findings[1].what, "user gina@example.org is not as applied: it is not there");
    EXPECT_TRUE(findings[0].is_ours && findings[1].is_ours);
    EXPECT_FALSE(findings[2].is_ours);
    EXPECT_EQ(findings[2].fix, "apply with --adopt");
    // The repair of a trap applies all of the file.
    EXPECT_EQ(not_as_applied({changed, gone, same, others}, true).size(), 1U);
    EXPECT_EQ(not_as_applied(std::vector<SiteItem>(50, gone), false).size(), 21U);
}

TEST(Doctor, FindsAForgottenOrderOfPriority) {
    auto all = healthy();
    all.site.projects[0].effective_pools.clear();
    const auto finding = only(all);
    EXPECT_EQ(finding.check, "order-of-priority");
    EXPECT_EQ(finding.severity, Finding::Severity::error);
    EXPECT_THAT(finding.why, HasSubstr("queues for ever"));
    EXPECT_TRUE(finding.is_ours);
    all.owned.clear();
    EXPECT_FALSE(only(all).is_ours);
}

TEST(Doctor, FindsAnOrderThatLeadsNowhere) {
    auto all = healthy();
    all.site.projects[0].effective_pools = {"gone"};
    EXPECT_THAT(only(all).what, HasSubstr("node pool gone, which is not there"));
    all = healthy();
    all.site.departments[0].value.quotas[1] = {"2", "prod", 0, 0};
    const auto findings = diagnose(all);
    EXPECT_EQ(findings[0].check, "no-quota");
    EXPECT_THAT(findings[0].what, HasSubstr("its department has no GPUs there"));
    all = healthy();
    all.site.projects[0].effective_pools = {"prod", "prod"};
    EXPECT_EQ(only(all).check, "several-pools");
    EXPECT_THAT(only(all).what, HasSubstr("goes to 2 node pools, and Run:ai here is 2.20.29"));
    EXPECT_THAT(only(all).fix, HasSubstr("node_pool_order: [prod]"));
    all.site.cluster.version = "2.20.39";
    EXPECT_TRUE(diagnose(all).empty());
}

TEST(Doctor, FindsOverQuotaThatANewPoolBrought) {
    auto all = healthy();
    all.site.node_pools.push_back({"3", {"dev", "k", "dev", "binpack"}, false, "Ready", 1});
    all.site.departments[0].value.quotas.push_back({"3", "dev", 0, runai::unlimited});
    const auto finding = only(all);
    EXPECT_EQ(finding.check, "over-quota");
    EXPECT_THAT(finding.what, HasSubstr("department lab1 has no GPUs of dev, and over quota on"));
    EXPECT_TRUE(finding.is_ours);
}

TEST(Doctor, FindsPoolsWithoutNodesAndNamesTheLabel) {
    auto all = healthy();
    all.site.node_pools[1].nodes = 0;
    EXPECT_EQ(only(all).fix, "kubectl label node NODE k=prod");
    all.site.node_pools[1] = {"2", {"prod", "k", "prod", "binpack"}, false, "Unschedulable", 4};
    EXPECT_EQ(only(all).check, "node-pool-not-ready");
}

TEST(Doctor, FindsTheRest) {
    auto all = healthy();
    all.departments_on = false;
    EXPECT_EQ(only(all).check, "departments-off");
    all = healthy();
    all.site.cluster.state = "Disconnected";
    EXPECT_EQ(only(all).what, "cluster runai-cluster is Disconnected in Run:ai");
    all.site.cluster.state = "";  // older versions do not say
    EXPECT_TRUE(diagnose(all).empty());
    all = healthy();
    all.data_sources = {
        {"x", "department", {"lab1-nfs", "10", "nas", "/mnt/nfs/lab1", "/mnt/nfs", true}, ""}};
    EXPECT_EQ(only(all).check, "read-only");
    all = healthy();
    all.site.projects[0].value.quotas[1].deserved = all.site.projects[0].value.quotas[1].limit = 9;
    EXPECT_EQ(only(all).check, "over-subscribed");
    all = healthy();
    all.clock_ahead = std::chrono::seconds(-90);
    EXPECT_EQ(only(all).what, "Run:ai's clock is 90 s behind this node's");
    all = healthy();
    all.site.cluster.version = "2.26.1";
    EXPECT_EQ(only(all).check, "version");
}

TEST(Doctor, NamesTheFileDescriptorTrapWhenRunaiIsSilent) {
    EXPECT_THAT(unreachable({Code::unavailable, "502"}).fix, HasSubstr("max-worker-open-files"));
    EXPECT_THAT(unreachable({Code::denied, "403", "x"}).fix, HasSubstr("x"));
}

}  // namespace
}  // namespace stowage::controller
