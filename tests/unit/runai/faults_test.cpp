// The client against a stand-in that fails: every fault ends in one data source, or in a clear error.
#include "tests/unit/runai/fixture.hpp"

namespace stowage::runai {
namespace {

using stand_in::FaultKind;
using Faults = WithStandIn;

struct Case {
    FaultKind kind;
    const char* name;
    unsigned status = 503;
};

constexpr Case cases[] = {
    {FaultKind::error_before, "error_before"},  {FaultKind::error_after, "error_after"},
    {FaultKind::error_after, "error_500", 500}, {FaultKind::hang_before, "hang_before"},
    {FaultKind::hang_after, "hang_after"},      {FaultKind::drop_before, "drop_before"},
    {FaultKind::drop_after, "drop_after"},      {FaultKind::unauthorized, "unauthorized"},
    {FaultKind::too_many, "too_many"},          {FaultKind::garbage, "garbage"},
    {FaultKind::truncated, "truncated"},        {FaultKind::error_before, "request_timeout", 408},
};

class EveryFault : public WithStandIn, public testing::WithParamInterface<Case> {
  protected:
    void SetUp() override {
        WithStandIn::SetUp();
        auto impatient = settings();
        const bool hangs =
            GetParam().kind == FaultKind::hang_before || GetParam().kind == FaultKind::hang_after;
        if (hangs) impatient.request_timeout = std::chrono::milliseconds(250);
        connect(std::move(impatient));
    }
    void once(const char* operation) { fail(operation, GetParam().kind, 1, GetParam().status, 0); }
    void twice(const char* operation) {
        // A second 401 in a row is an answer, not a fault that passes.
        fail(operation, GetParam().kind, GetParam().kind == FaultKind::unauthorized ? 1 : 2,
             GetParam().status, 0);
    }
};

TEST_P(EveryFault, OfCreateLeavesOneDataSource) {
    twice("create_nfs_asset");
    const auto created = wait(client_->create_nfs_data_source(lab1()));
    ASSERT_TRUE(created) << created.error().text();
    EXPECT_EQ(stored(), 1U);
    EXPECT_EQ(server_->api().writes(), 1U);
    const bool after = happens_after(GetParam().kind);
    EXPECT_EQ(created->was_there, after);
    EXPECT_EQ(created->after_lost_answer, after);
    EXPECT_TRUE(differences(lab1(), created->source.value).empty());
}

TEST_P(EveryFault, OfCreateAndItsLookUpLeavesOneDataSource) {
    once("create_nfs_asset");
    once("list_nfs_assets");
    once("grant_token");
    const auto created = wait(client_->create_nfs_data_source(lab1()));
    if (GetParam().kind == FaultKind::unauthorized) {
        // Of the token call itself a 401 means wrong credentials.
        ASSERT_FALSE(created);
        EXPECT_EQ(created.error().code, Code::denied);
        EXPECT_EQ(stored(), 0U);
        return;
    }
    ASSERT_TRUE(created) << created.error().text();
    EXPECT_EQ(stored(), 1U);
    EXPECT_EQ(server_->api().writes(), 1U);
}

TEST_P(EveryFault, OfReadsPasses) {
    twice("get_clusters");
    const auto cluster = wait(client_->cluster());
    ASSERT_TRUE(cluster) << cluster.error().text();
    once("get_departments");
    EXPECT_TRUE(wait(client_->department(cluster->uuid, "lab1")));
    once("list_nfs_assets");
    EXPECT_TRUE(wait(client_->find_nfs_data_source("100001", "lab1-nfs")));
}

TEST_P(EveryFault, OfUpdateConverges) {
    const auto id = store(lab1());
    auto other = lab1();
    other.path = "/srv/lab1";
    twice("update_nfs_asset_by_id");
    const auto updated = wait(client_->update_nfs_data_source(id, other));
    ASSERT_TRUE(updated) << updated.error().text();
    EXPECT_EQ(stored(), 1U);
    EXPECT_TRUE(differences(other, updated->value).empty());
}

TEST_P(EveryFault, OfDeleteConverges) {
    const auto id = store(lab1());
    once("get_nfs_asset_by_id");
    twice("delete_nfs_asset_by_id");
    const auto deleted = wait(client_->delete_nfs_data_source(id));
    ASSERT_TRUE(deleted) << deleted.error().text();
    EXPECT_EQ(stored(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryFault, testing::ValuesIn(cases),
                         [](const auto& one) { return one.param.name; });

TEST_F(Faults, ThatLastEndAfterTheLastTry) {
    fail("create_nfs_asset", FaultKind::error_before, 1000);
    const auto refused = wait(client_->create_nfs_data_source(lab1()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::timeout) << "each of them may have been stored";
    EXPECT_NE(refused.error().what.find("503: Injected."), std::string::npos) << refused.error().what;
    EXPECT_EQ(calls("create_nfs_asset"), 5U);
    EXPECT_EQ(stored(), 0U);
}

TEST_F(Faults, ReplyOfAnotherShapeNamesTheField) {
    fail("get_clusters", FaultKind::strange);
    const auto refused = wait(client_->cluster());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::protocol);
    EXPECT_EQ(refused.error().what,
              "GET /api/v1/clusters: [0] of the reply is a number where an object belongs");
    EXPECT_EQ(calls("get_clusters"), 1U);
}

TEST_F(Faults, ConflictThatIsNoneIsReported) {
    fail("create_nfs_asset", FaultKind::conflict);
    const auto refused = wait(client_->create_nfs_data_source(lab1()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::exists);
}

TEST_F(Faults, SomebodyElsesCreateIsFoundAfterALostAnswer) {
    auto other = lab1();
    other.path = "/elsewhere";
    store(other);
    fail("create_nfs_asset", FaultKind::drop_before);
    const auto refused = wait(client_->create_nfs_data_source(lab1()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::differs);
    EXPECT_EQ(stored(), 1U);
}

TEST_F(Faults, RetryAfterIsObeyedUpToItsLimit) {
    fail("get_clusters", FaultKind::too_many, 1, 429, 1);
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(wait(client_->cluster()));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
    fail("get_clusters", FaultKind::too_many, 1, 429, 3600);
    const auto refused = wait(client_->cluster());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_NE(refused.error().remedy.find("3600"), std::string::npos);
}

TEST_F(Faults, TokenIsAskedForOnceByManyCalls) {
    const auto eight = [&] {
        std::vector<boost::asio::awaitable<Result<Cluster>>> work;
        for (int i = 0; i < 8; ++i)
            work.push_back(client_->cluster());
        for (const auto& result : all(std::move(work)))
            EXPECT_TRUE(result) << result.error().text();
    };
    eight();
    EXPECT_EQ(calls("grant_token"), 1U);
    server_->api().tokens().expire_all();
    eight();
    EXPECT_EQ(calls("grant_token"), 2U);
    eight();
    EXPECT_EQ(calls("grant_token"), 2U);
}

TEST_F(Faults, TokenIsRenewedBeforeItRunsOut) {
    auto short_lived = options();
    short_lived.token_lifetime = std::chrono::seconds(2);
    serve(std::move(short_lived));
    connect(settings());
    ASSERT_TRUE(wait(client_->cluster()));
    EXPECT_EQ(calls("grant_token"), 1U);
    // Half of a life shorter than two minutes is kept in hand.
    context_.restart();
    context_.run_for(std::chrono::milliseconds(1050));
    ASSERT_TRUE(wait(client_->cluster()));
    EXPECT_EQ(calls("grant_token"), 2U);
    for (const auto* operation : {"get_clusters"})
        EXPECT_EQ(calls(operation), 2U);
}

TEST_F(Faults, WrongCredentialsAreRefusedOnce) {
    auto wrong = settings();
    wrong.client_secret = Secret("wrong");
    connect(std::move(wrong));
    const auto refused = wait(client_->cluster());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::denied);
    EXPECT_NE(refused.error().remedy.find("runai.client_id"), std::string::npos);
    EXPECT_EQ(refused.error().text().find("wrong"), std::string::npos);
    EXPECT_EQ(calls("grant_token"), 1U);
}

TEST_F(Faults, ASecond401IsAnAnswer) {
    fail("get_clusters", FaultKind::unauthorized, 5);
    const auto refused = wait(client_->cluster());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::denied);
    EXPECT_EQ(calls("get_clusters"), 2U);
    EXPECT_EQ(calls("grant_token"), 2U);
}

TEST_F(Faults, ARestartOfTheServerIsSurvived) {
    ASSERT_TRUE(wait(client_->cluster()));
    auto again = options();
    again.port = server_->port();
    serve(std::move(again));
    const auto cluster = wait(client_->cluster());
    ASSERT_TRUE(cluster) << cluster.error().text();
    EXPECT_EQ(calls("get_clusters"), 2U);  // the old token is refused first
}

TEST_F(Faults, NobodyListeningIsUnavailable) {
    auto nowhere = settings();
    server_.reset();
    connect(std::move(nowhere));
    const auto refused = wait(client_->cluster());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_NE(refused.error().what.find("127.0.0.1"), std::string::npos) << refused.error().what;
}

}  // namespace
}  // namespace stowage::runai
