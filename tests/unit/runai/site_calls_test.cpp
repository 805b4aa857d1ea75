// The client against the stand-in of both versions: node pools, departments, projects, access, users,
// compute.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "tests/unit/runai/fixture.hpp"

namespace stowage::runai {
namespace {

using stand_in::FaultKind;

class SiteCalls : public WithStandIn, public testing::WithParamInterface<const char*> {
  protected:
    void SetUp() override {
        auto wanted = options();
        wanted.version = GetParam();
        serve(std::move(wanted));
        connect(settings());
        cluster_ = or_throw(wait(client_->cluster())).uuid;
    }
    ObservedNodePool pool(const std::string& name) {
        for (auto& one : or_throw(wait(client_->node_pools(cluster_))))
            if (one.value.name == name) return one;
        throw std::runtime_error("no pool " + name);
    }
    OrgUnit unit(const std::string& name, const std::string& parent = "") {
        OrgUnit unit{name, cluster_, parent, {}, {"default"}};
        unit.quotas.push_back({pool("default").id, "default", 8, 8});
        return unit;
    }
    ObservedOrgUnit seen(UnitKind kind, const std::string& name) {
        for (auto& one : or_throw(wait(client_->org_units(kind, cluster_))))
            if (one.value.name == name) return one;
        throw std::runtime_error("no unit " + name);
    }
    std::string project() {
        const auto department =
            or_throw(wait(client_->create_org_unit(UnitKind::department, unit("genomics"))));
        return or_throw(wait(client_->create_org_unit(UnitKind::project, unit("p1", department.value.id))))
            .value.id;
    }

    std::string cluster_;
};

TEST_P(SiteCalls, ANewNodePoolIsAttachedToEveryUnitWithOverQuotaOn) {
    const NodePool wanted{"prod", "example.org/pool", "prod", "binpack"};
    const auto made = wait(client_->create_node_pool(cluster_, wanted));
    ASSERT_TRUE(made) << made.error().text();
    EXPECT_FALSE(made->was_there);
    EXPECT_TRUE(differences(wanted, pool("prod").value).empty());
    EXPECT_EQ(pool("prod").phase, "Empty");
    EXPECT_TRUE(pool("default").is_default);
    const auto lab1 = seen(UnitKind::department, "lab1");
    ASSERT_EQ(lab1.value.quotas.size(), 2U);
    EXPECT_EQ(lab1.value.quotas[1].pool_id, made->value.id);
    EXPECT_EQ(lab1.value.quotas[1].limit, unlimited);
}

TEST_P(SiteCalls, ADataSourceOfAProjectIsNotItsDepartments) {
    const auto id = project();
    const auto department = seen(UnitKind::department, "genomics").id;
    EXPECT_EQ(wait(client_->project_id(cluster_, department, "p1")).value(), id);
    EXPECT_EQ(wait(client_->project_id(cluster_, department, "p2")).error().code, Code::not_found);
    const auto other = seen(UnitKind::department, "lab1").id;
    EXPECT_EQ(wait(client_->project_id(cluster_, other, "p1")).error().code, Code::not_found);
    auto wanted = lab1();
    wanted.department_id = department;
    wanted.project_id = id;
    const auto made = wait(client_->create_nfs_data_source(wanted));
    ASSERT_TRUE(made) << made.error().text();
    const auto found = wait(client_->find_nfs_data_source(wanted));
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->scope, "project");
    EXPECT_TRUE(differences(wanted, (*found)->value).empty());
    EXPECT_FALSE(*wait(client_->find_nfs_data_source(department, wanted.name)));
    wanted.path = "/elsewhere";
    ASSERT_TRUE(wait(client_->update_nfs_data_source((*found)->id, wanted)));
    // The name is taken, whatever the scope.
    auto of_department = wanted;
    of_department.project_id.clear();
    const auto refused = wait(client_->create_nfs_data_source(of_department));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("of scope project"), std::string::npos) << refused.error().what;
    wanted.project_id = "1&scope=tenant";
    EXPECT_EQ(wait(client_->create_nfs_data_source(wanted)).error().code, Code::invalid);
}

TEST_P(SiteCalls, ANamesakeIsReturnedAsItIs) {
    ASSERT_TRUE(wait(client_->create_node_pool(cluster_, {"prod", "k", "v", "binpack"})));
    const auto again = wait(client_->create_node_pool(cluster_, {"prod", "k", "other", "binpack"}));
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_TRUE(again->was_there);
    EXPECT_FALSE(again->after_lost_answer);
    EXPECT_EQ(again->value.value.label_value, "v");
    const auto same_label = wait(client_->create_node_pool(cluster_, {"other", "k", "v", "binpack"}));
    ASSERT_FALSE(same_label);
    EXPECT_EQ(same_label.error().code, Code::exists);
}

TEST_P(SiteCalls, AnUpdateSendsBackWhatItDoesNotChange) {
    const auto made = wait(client_->create_org_unit(UnitKind::department, unit("genomics")));
    ASSERT_TRUE(made) << made.error().text();
    auto& stored = *server_->api().store().find("departments", "id", made->value.id);
    stored["description"] = "by hand";
    stored["schedulingRules"] = boost::json::object{{"trainingJobTimeLimitSeconds", 60}};
    stored["resources"].as_array()[0].as_object()["cpu"] = boost::json::object{{"deserved", 1000}};
    ASSERT_TRUE(wait(client_->create_node_pool(cluster_, {"prod", "k", "v", "binpack"})));
    auto wanted = unit("genomics");
    wanted.quotas.push_back({pool("prod").id, "prod", 100, 100});
    wanted.default_pools = {"prod"};
    const auto updated = wait(client_->update_org_unit(UnitKind::department, made->value.id, wanted));
    ASSERT_TRUE(updated) << updated.error().text();
    EXPECT_TRUE(differences(wanted, seen(UnitKind::department, "genomics").value).empty());
    const auto& now = *server_->api().store().find("departments", "id", made->value.id);
    EXPECT_EQ(stand_in::text_of(now, "description"), "by hand");
    EXPECT_TRUE(now.at("schedulingRules").is_object());
    EXPECT_TRUE(now.at("resources").as_array()[0].as_object().contains("cpu"));
}

TEST_P(SiteCalls, AProjectIsWaitedForUntilItIsReady) {
    server_->api().habits().reads_until_ready = 3;
    const auto id = project();
    const auto ready = wait(client_->ready_project(id));
    ASSERT_TRUE(ready) << ready.error().text();
    EXPECT_EQ(ready->phase, "Ready");
    EXPECT_EQ(ready->effective_pools, std::vector<std::string>{"default"});
    EXPECT_EQ(calls("get_project"), 4U);
}

TEST_P(SiteCalls, AUserHasATemporaryPasswordOnceAndRules) {
    const auto id = project();
    const auto made = wait(client_->create_user("alice@example.org"));
    ASSERT_TRUE(made) << made.error().text();
    EXPECT_EQ(made->value.password.reveal().size(), 13U);
    const auto again = wait(client_->create_user("Alice@example.org"));
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_TRUE(again->was_there);
    EXPECT_TRUE(again->value.password.empty());
    std::int64_t role = 0;
    for (const auto& one : or_throw(wait(client_->roles())))
        if (one.name == "L2 researcher") role = one.id;
    const AccessRule rule{"alice@example.org", role, "project", id};
    ASSERT_TRUE(wait(client_->create_access_rule(rule)));
    EXPECT_TRUE(wait(client_->create_access_rule(rule))->was_there);
    const auto rules = or_throw(wait(client_->access_rules()));
    ASSERT_EQ(rules.size(), 1U);
    EXPECT_EQ(rules[0].value, rule);
    ASSERT_TRUE(wait(client_->delete_access_rule(rules[0].id)));
    ASSERT_TRUE(wait(client_->delete_access_rule(rules[0].id)));
    ASSERT_TRUE(wait(client_->delete_user(made->value.user.id)));
    EXPECT_TRUE(or_throw(wait(client_->users())).empty());
}

TEST_P(SiteCalls, ComputeResourcesAreSentSoThatNoVersionMistakesThem) {
    for (int gpus = 0; gpus <= 8; ++gpus) {
        const ComputeResource wanted{"gpu" + std::to_string(gpus), gpus, {}, {}, false};
        ASSERT_TRUE(wait(client_->create_compute_resource(wanted)));
    }
    ASSERT_TRUE(wait(client_->create_compute_resource({"half", 0, 0.5, {}, false})));
    ASSERT_TRUE(wait(client_->create_compute_resource({"small", 0, {}, "8G", true})));
    for (const auto& one : server_->api().store().all("compute")) {
        const auto& spec = one.at("spec").as_object();
        const auto gpus = spec.at("gpuDevicesRequest").as_int64();
        // Several whole GPUs given as a portion are submitted as one (RUN-26671).
        EXPECT_EQ(spec.contains("gpuRequestType"), gpus == 1) << spec;
    }
    for (const auto& one : or_throw(wait(client_->compute_resources())))
        EXPECT_TRUE(differences(one.value, one.value).empty()) << one.value.name;
}

TEST_P(SiteCalls, ListsGrowWithPagesNotWithObjects) {
    auto& store = server_->api().store();
    for (int i = 0; i < 1200; ++i) {
        boost::json::object user{{"id", "u" + std::to_string(i)},
                                 {"username", std::to_string(i) + "@example.org"}};
        user["lastLogin"] = nullptr;
        store.list("users").push_back(std::move(user));
    }
    for (int i = 0; i < 600; ++i)
        store.add_department("d" + std::to_string(i), cluster_);
    EXPECT_EQ(or_throw(wait(client_->users())).size(), 1200U);
    EXPECT_EQ(calls("get_users"), 3U);
    EXPECT_EQ(or_throw(wait(client_->org_units(UnitKind::department, cluster_))).size(), 602U);
    EXPECT_EQ(calls("get_departments"), 2U);
}

TEST_P(SiteCalls, UnitsOfOtherClustersAreNotOurs) {
    auto& store = server_->api().store();
    store.add_department("elsewhere", std::string(stand_in::text_of(store.cluster("other"), "uuid")));
    server_->api().ignore_filters(true);
    for (const auto& one : or_throw(wait(client_->org_units(UnitKind::department, cluster_))))
        EXPECT_NE(one.value.name, "elsewhere");
    EXPECT_EQ(or_throw(wait(client_->node_pools(cluster_))).size(), 1U);
}

TEST_P(SiteCalls, NamesThatRunaiRefusesAreRefusedHere) {
    for (const char* name : {"", "Prod", "1st", "a_b", "a-", "a b", "../x"})
        EXPECT_EQ(wait(client_->create_node_pool(cluster_, {name, "k", "v", "binpack"})).error().code,
                  Code::invalid);
    for (const char* email : {"", "a", "a@b", "a b@c.de", "a@b.c", "a@@b.de", "a\n@b.de"})
        EXPECT_EQ(wait(client_->create_user(email)).error().code, Code::invalid) << email;
    EXPECT_EQ(server_->api().writes(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Versions, SiteCalls, testing::Values("2.20.29", "2.24.3"),
                         [](const auto& one) { return std::string(one.param).substr(2, 2); });

class LostCreation : public WithStandIn, public testing::WithParamInterface<FaultKind> {
  protected:
    void SetUp() override {
        WithStandIn::SetUp();
        auto impatient = settings();
        const bool hangs = GetParam() == FaultKind::hang_before || GetParam() == FaultKind::hang_after;
        if (hangs) impatient.request_timeout = std::chrono::milliseconds(250);
        connect(std::move(impatient));
    }
    template <typename T>
    void once(const char* operation, T creation, const char* kind, std::size_t before) {
        fail(operation, GetParam(), 1, 503, 0);
        const auto made = wait(std::move(creation));
        ASSERT_TRUE(made) << operation << ": " << made.error().text();
        EXPECT_EQ(made->after_lost_answer, happens_after(GetParam())) << operation;
        EXPECT_EQ(server_->api().store().all(kind).size(), before + 1) << operation;
    }
};

TEST_P(LostCreation, LeavesOneOfEachKind) {
    const auto cluster = or_throw(wait(client_->cluster())).uuid;
    once("create_nodepool", client_->create_node_pool(cluster, {"prod", "k", "v", "binpack"}), "node_pools",
         1);
    const auto pool = or_throw(wait(client_->node_pools(cluster))).at(0).id;
    OrgUnit unit{"genomics", cluster, "", {{pool, "default", 1, 1}}, {"default"}};
    once("create_department", client_->create_org_unit(UnitKind::department, unit), "departments", 2);
    unit.parent_id = "100001";
    once("create_project", client_->create_org_unit(UnitKind::project, unit), "projects", 0);
    once("create_user", client_->create_user("alice@example.org"), "users", 0);
    const AccessRule rule{"alice@example.org", 4, "project", "500001"};
    once("create_access_rule", client_->create_access_rule(rule), "access_rules", 0);
    once("create_compute_asset", client_->create_compute_resource({"gpu1", 1, {}, {}, false}), "compute", 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, LostCreation,
                         testing::Values(FaultKind::error_before, FaultKind::error_after,
                                         FaultKind::hang_before, FaultKind::hang_after,
                                         FaultKind::drop_before, FaultKind::drop_after,
                                         FaultKind::unauthorized, FaultKind::too_many, FaultKind::garbage,
                                         FaultKind::truncated));

using Circuits = WithStandIn;

TEST_F(Circuits, OpenAfterFailuresInARowAndCloseAgain) {
    auto fragile = settings();
    fragile.retries.max_tries = 1;
    fragile.circuit = {3, std::chrono::milliseconds(200)};
    connect(std::move(fragile));
    ASSERT_TRUE(wait(client_->cluster()));
    fail("get_clusters", FaultKind::error_before, 3);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(wait(client_->cluster()).error().code, Code::unavailable);
    EXPECT_EQ(calls("get_clusters"), 4U);  // the last two were not sent
    context_.restart();
    context_.run_for(std::chrono::milliseconds(220));
    EXPECT_TRUE(wait(client_->cluster()));
    EXPECT_TRUE(wait(client_->cluster()));
}

TEST_F(Circuits, AreNotOpenedByRefusals) {
    auto fragile = settings();
    fragile.retries.max_tries = 1;
    fragile.circuit = {2, std::chrono::hours(1)};
    connect(std::move(fragile));
    fail("get_clusters", FaultKind::too_many, 5, 429, 0);
    for (int i = 0; i < 5; ++i)
        EXPECT_FALSE(wait(client_->cluster()));
    EXPECT_TRUE(wait(client_->cluster()));
}

/// Nothing is sent for the token either, so it is refused before anybody waits for it: that once crashed.
TEST_F(Circuits, ThatAreOpenWithoutATokenAreAnErrorAtOnce) {
    auto fragile = settings();
    fragile.circuit = {2, std::chrono::hours(1)};
    fragile.retries.max_tries = 1;
    connect(std::move(fragile));
    fail("grant_token", FaultKind::error_before, 1000);
    for (int failures = 0; failures < 2; ++failures)
        EXPECT_FALSE(wait(client_->cluster()));
    const auto calls_before = calls("grant_token");
    for (int looks = 0; looks < 3; ++looks) {
        const auto refused = wait(client_->cluster());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Code::unavailable);
        EXPECT_NE(refused.error().what.find("not sent"), std::string::npos) << refused.error().what;
    }
    EXPECT_EQ(calls("grant_token"), calls_before);
}

}  // namespace
}  // namespace stowage::runai
