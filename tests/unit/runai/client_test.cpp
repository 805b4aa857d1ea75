// The client against the stand-in: what it finds, makes, changes and removes.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "tests/unit/runai/fixture.hpp"

namespace stowage::runai {
namespace {

using ClientCalls = WithStandIn;

TEST_F(ClientCalls, FindsTheClusterByName) {
    const auto cluster = wait(client_->cluster());
    ASSERT_TRUE(cluster) << cluster.error().text();
    EXPECT_EQ(cluster->name, "runai-cluster");
    EXPECT_EQ(cluster->version, "2.20.29");
    EXPECT_EQ(cluster->state, "Connected");
}

TEST_F(ClientCalls, NamesTheClustersThatThereAre) {
    auto other = settings();
    other.cluster = "elsewhere";
    connect(std::move(other));
    const auto cluster = wait(client_->cluster());
    ASSERT_FALSE(cluster);
    EXPECT_EQ(cluster.error().code, Code::not_found);
    EXPECT_NE(cluster.error().what.find("it has: \"runai-cluster\""), std::string::npos)
        << cluster.error().what;
}

TEST_F(ClientCalls, FindsOneDepartmentOfThisCluster) {
    auto& store = server_->api().store();
    const auto other = std::string(stand_in::text_of(store.cluster("other"), "uuid"));
    store.add_department("lab1", other);
    const auto cluster = wait(client_->cluster());
    const auto department = wait(client_->department(cluster->uuid, "lab1"));
    ASSERT_TRUE(department) << department.error().text();
    EXPECT_EQ(department->id, "100001");
    const auto missing = wait(client_->department(cluster->uuid, "lab"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::not_found);
}

TEST_F(ClientCalls, ReadsEveryPageWhenTheServerDoesNotFilter) {
    auto& store = server_->api().store();
    const auto uuid = wait(client_->cluster())->uuid;
    for (int i = 0; i < 240; ++i)
        store.add_department("x" + std::to_string(i), uuid);
    const auto last = store.add_department("last", uuid);
    server_->api().ignore_filters(true);
    const auto department = wait(client_->department(uuid, "last"));
    ASSERT_TRUE(department) << department.error().text();
    EXPECT_EQ(department->id, last);
    EXPECT_EQ(calls("get_departments"), 3U);
    const auto missing = wait(client_->department(uuid, "absent"));
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().what.find("and 233 more"), std::string::npos) << missing.error().what;
}

TEST_F(ClientCalls, RefusesNamesThatWouldChangeTheFilter) {
    for (const char* name : {"", "a,clusterId==x", "a b", "a=b"})
        EXPECT_EQ(wait(client_->department("a418ed33-9399-48c0-a890-122cadd13bfd", name)).error().code,
                  Code::invalid);
    EXPECT_EQ(wait(client_->department("x", "lab1")).error().code, Code::invalid);
    EXPECT_EQ(calls("get_departments"), 0U);
}

TEST_F(ClientCalls, FindsOnlyTheExactNameInTheDepartmentItself) {
    auto source = lab1();
    store(source, "tenant");
    source.name = "LAB1-NFS";
    store(source);
    source.name = "lab1-nfs2";
    store(source);
    source = lab1();
    source.department_id = "100002";
    store(source);
    auto found = wait(client_->find_nfs_data_source("100001", "lab1-nfs"));
    ASSERT_TRUE(found) << found.error().text();
    EXPECT_FALSE(*found);
    const auto id = store(lab1());
    found = wait(client_->find_nfs_data_source("100001", "lab1-nfs"));
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->id, id);
    EXPECT_TRUE(differences(lab1(), (*found)->value).empty());
    store(lab1());
    found = wait(client_->find_nfs_data_source("100001", "lab1-nfs"));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::exists);
}

TEST_F(ClientCalls, CreatesAndReadsBack) {
    const auto created = wait(client_->create_nfs_data_source(lab1()));
    ASSERT_TRUE(created) << created.error().text();
    EXPECT_FALSE(created->was_there);
    const auto found = wait(client_->find_nfs_data_source("100001", "lab1-nfs"));
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->id, created->source.id);
    EXPECT_EQ(differences(lab1(), (*found)->value).size(), 0U);
}

TEST_F(ClientCalls, AdoptsWhatIsEqualAndReportsWhatDiffers) {
    store(lab1());
    const auto created = wait(client_->create_nfs_data_source(lab1()));
    ASSERT_TRUE(created) << created.error().text();
    EXPECT_TRUE(created->was_there);
    EXPECT_FALSE(created->after_lost_answer);
    auto other = lab1();
    other.server = "other";
    const auto refused = wait(client_->create_nfs_data_source(other));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::differs);
    EXPECT_NE(refused.error().what.find("server: wanted other, found nas.example.org"), std::string::npos);
    EXPECT_EQ(stored(), 1U);
}

TEST_F(ClientCalls, SaysWhereATakenNameIs) {
    store(lab1(), "tenant");
    const auto refused = wait(client_->create_nfs_data_source(lab1()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::exists);
    EXPECT_NE(refused.error().what.find("of scope tenant"), std::string::npos) << refused.error().what;
}

TEST_F(ClientCalls, ReportsRefusalsWithoutTryingAgain) {
    auto source = lab1();
    source.department_id = "999";
    const auto refused = wait(client_->create_nfs_data_source(source));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::invalid);
    EXPECT_NE(refused.error().what.find("departmentId names no department"), std::string::npos);
    EXPECT_EQ(calls("create_nfs_asset"), 1U);
    source = lab1();
    source.path = "relative";
    EXPECT_EQ(wait(client_->create_nfs_data_source(source)).error().code, Code::invalid);
    EXPECT_EQ(calls("create_nfs_asset"), 1U);
}

TEST_F(ClientCalls, UpdatesEveryField) {
    const auto id = store(lab1());
    auto other = lab1();
    other.server = "10.0.0.7";
    other.path = "/srv/lab1";
    other.mount_path = "/data";
    other.read_only = true;
    const auto updated = wait(client_->update_nfs_data_source(id, other));
    ASSERT_TRUE(updated) << updated.error().text();
    EXPECT_EQ(updated->id, id);
    EXPECT_TRUE(
        differences(other, wait(client_->find_nfs_data_source("100001", "lab1-nfs"))->value().value).empty());
    EXPECT_EQ(
        wait(client_->update_nfs_data_source("a418ed33-9399-48c0-a890-122cadd13bfd", other)).error().code,
        Code::not_found);
    EXPECT_EQ(wait(client_->update_nfs_data_source("../x", other)).error().code, Code::invalid);
}

TEST_F(ClientCalls, DeletesOnlyWhatNobodyUses) {
    const auto id = store(lab1());
    auto& stored_source = *server_->api().store().nfs(id);
    const boost::json::object user{{"id", stand_in::new_uuid()}, {"name", "jupyter"}, {"status", "Running"}};
    stored_source["usedBy"] = boost::json::object{{"workspaces", boost::json::array{user}}};
    const auto refused = wait(client_->delete_nfs_data_source(id));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::in_use);
    EXPECT_NE(refused.error().what.find("workspaces jupyter (Running)"), std::string::npos)
        << refused.error().what;
    EXPECT_EQ(calls("delete_nfs_asset_by_id"), 0U);
    const auto users = wait(client_->data_source_users(id));
    ASSERT_TRUE(users);
    EXPECT_EQ(users->size(), 1U);
    server_->api().store().nfs(id)->erase("usedBy");
    EXPECT_TRUE(wait(client_->delete_nfs_data_source(id)));
    EXPECT_EQ(stored(), 0U);
    EXPECT_TRUE(wait(client_->delete_nfs_data_source(id)));
    EXPECT_EQ(wait(client_->data_source_users(id)).error().code, Code::not_found);
    EXPECT_EQ(wait(client_->delete_nfs_data_source("x/../y")).error().code, Code::invalid);
}

TEST_F(ClientCalls, ReuseOneConnection) {
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(wait(client_->cluster()));
    EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(ClientCalls, RunInParallelUpToTheLimit) {
    auto few = settings();
    few.max_parallel = 2;
    few.retries.max_tries = 1;
    few.request_timeout = std::chrono::milliseconds(500);
    connect(std::move(few));
    ASSERT_TRUE(wait(client_->cluster()));
    fail("get_clusters", stand_in::FaultKind::hang_before, 4);
    std::vector<boost::asio::awaitable<Result<Cluster>>> work;
    for (int i = 0; i < 4; ++i)
        work.push_back(client_->cluster());
    const auto begin = std::chrono::steady_clock::now();
    for (const auto& result : all(std::move(work)))
        EXPECT_EQ(result.error().code, Code::timeout);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 2 * std::chrono::milliseconds(500));
}

TEST_F(ClientCalls, EndWithCancelledWhenTheClientGoes) {
    ASSERT_TRUE(wait(client_->cluster()));
    fail("get_clusters", stand_in::FaultKind::hang_before, 10);
    auto future = boost::asio::co_spawn(context_, client_->cluster(), boost::asio::use_future);
    context_.restart();
    while (calls("get_clusters") < 2)
        context_.run_one_for(std::chrono::seconds(1));
    client_.reset();
    context_.run_for(std::chrono::milliseconds(100));
    ASSERT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    EXPECT_EQ(future.get().error().code, Code::cancelled);
}

TEST_F(ClientCalls, RefuseSettingsThatCannotWork) {
    const auto refused = [&](auto change) {
        auto bad = settings();
        change(bad);
        auto client = Client::make(context_.get_executor(), std::move(bad));
        return !client && client.error().code == Code::config;
    };
    EXPECT_TRUE(refused([](Settings& bad) { bad.url = "http://runai.local"; }));
    EXPECT_TRUE(refused([](Settings& bad) { bad.cluster = ""; }));
    EXPECT_TRUE(refused([](Settings& bad) { bad.client_id = ""; }));
    EXPECT_TRUE(refused([](Settings& bad) { bad.client_secret = Secret(); }));
    EXPECT_TRUE(refused([](Settings& bad) { bad.max_parallel = 0; }));
    EXPECT_TRUE(refused([](Settings& bad) { bad.url = "https://x", bad.ca_bundle = "/nonexistent"; }));
    EXPECT_TRUE(refused([](Settings& bad) { bad.url = "https://x", bad.ca_bundle = "/etc/passwd"; }));
}

}  // namespace
}  // namespace stowage::runai
