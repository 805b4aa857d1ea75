// What the error of a creation says: whether what was to be made may be there.
#include "tests/unit/runai/fixture.hpp"

namespace stowage::runai {
namespace {

using stand_in::FaultKind;

/// Of each creation that there is: its operation, and its error.
using Errors = std::vector<std::pair<const char*, Error>>;

class FailedCreation : public WithStandIn {
  protected:
    template <typename T>
    void create(const char* operation, boost::asio::awaitable<Result<T>> creation) {
        auto made = wait(std::move(creation));
        EXPECT_FALSE(made) << operation << " is there";
        if (!made) errors_.emplace_back(operation, made.error());
    }
    /// @param before what goes wrong with this operation
    template <typename Before>
    Errors errors_of_all(Before before) {
        errors_.clear();
        const auto step = [&](const char* operation) {
            before(operation);
            return operation;
        };
        create(step("create_nodepool"), client_->create_node_pool(cluster_, {"prod", "k", "v", "binpack"}));
        const OrgUnit unit{"genomics", cluster_, "", {{pool_, "default", 1, 1}}, {"default"}};
        create(step("create_department"), client_->create_org_unit(UnitKind::department, unit));
        create(step("create_user"), client_->create_user("alice@example.org"));
        create(step("create_access_rule"),
               client_->create_access_rule({"alice@example.org", 4, "department", "100001"}));
        create(step("create_compute_asset"), client_->create_compute_resource({"gpu1", 1, {}, {}, false}));
        create(step("create_nfs_asset"), client_->create_nfs_data_source(lab1()));
        return errors_;
    }
    void connect_with(unsigned tries) {
        auto eager = settings();
        eager.retries.max_tries = tries;
        eager.circuit.failures = 1000;
        eager.request_timeout = std::chrono::milliseconds(400);
        connect(std::move(eager));
        cluster_ = or_throw(wait(client_->cluster())).uuid;  // it has a token now
        pool_ = or_throw(wait(client_->node_pools(cluster_))).at(0).id;
    }

    std::string cluster_, pool_;
    Errors errors_;
};

bool leaves_open(const Error& error) {
    return error.code == Code::timeout || error.code == Code::protocol || error.code == Code::cancelled;
}

/// Fails where 503 and "connection refused" have one code: then an intent stays for what was never sent.
TEST_F(FailedCreation, SaysWhetherItMayBeStored) {
    connect_with(1);
    for (const auto kind :
         {FaultKind::error_before, FaultKind::error_after, FaultKind::hang_before, FaultKind::hang_after,
          FaultKind::drop_before, FaultKind::drop_after, FaultKind::garbage, FaultKind::strange,
          FaultKind::truncated, FaultKind::conflict, FaultKind::too_many}) {
        serve(options());
        connect_with(1);
        const bool is_answer = kind == FaultKind::conflict || kind == FaultKind::too_many;
        const auto before = [&](const char* operation) { fail(operation, kind); };
        for (const auto& [operation, error] : errors_of_all(before))
            EXPECT_EQ(leaves_open(error), !is_answer)
                << operation << ", fault " << static_cast<int>(kind) << ": " << error.text();
    }
}

TEST_F(FailedCreation, ThatWasNeverSentSaysSo) {
    connect_with(2);
    server_.reset();
    context_.restart();
    context_.run_for(std::chrono::milliseconds(50));  // until its connections are closed
    for (const auto& [operation, error] : errors_of_all([](const char*) {}))
        EXPECT_EQ(error.code, Code::unavailable) << operation << ": " << error.text();
}

/// Whatever is wrong with the token: without it nothing is sent.
TEST_F(FailedCreation, WithoutATokenWasNotSent) {
    connect_with(1);
    server_->api().tokens().expire_all();
    for (const auto kind : {FaultKind::garbage, FaultKind::hang_before, FaultKind::drop_after}) {
        const auto before = [&](const char*) { fail("grant_token", kind); };
        for (const auto& [operation, error] : errors_of_all(before))
            EXPECT_EQ(error.code, Code::unavailable) << operation << ": " << error.text();
    }
    EXPECT_EQ(server_->api().writes(), 0U);
}

TEST_F(FailedCreation, WithAnOpenCircuitWasNotSent) {
    connect_with(1);
    auto fragile = settings();
    fragile.retries.max_tries = 1;
    fragile.circuit = {1, std::chrono::hours(1)};
    connect(std::move(fragile));
    ASSERT_TRUE(wait(client_->cluster()));
    fail("create_user", FaultKind::drop_before);
    EXPECT_EQ(wait(client_->create_user("bob@example.org")).error().code, Code::timeout);
    for (const auto& [operation, error] : errors_of_all([](const char*) {})) {
        EXPECT_EQ(error.code, Code::unavailable) << operation << ": " << error.text();
        EXPECT_NE(error.what.find("not sent"), std::string::npos) << error.what;
    }
}

/// Fails where the last answer alone counts: the lost request may come to its end after it.
TEST_F(FailedCreation, StaysInDoubtAfterALostAnswerWhateverIsSaidLater) {
    connect_with(3);
    const auto before = [&](const char* operation) {
        fail(operation, FaultKind::drop_before);
        fail(operation, FaultKind::conflict);
    };
    for (const auto& [operation, error] : errors_of_all(before))
        EXPECT_EQ(error.code, Code::timeout) << operation << ": " << error.text();
}

/// A conflict is somebody else's, also when the look at it fails.
TEST_F(FailedCreation, AfterAConflictIsNotOurs) {
    connect_with(1);
    fail("create_user", FaultKind::conflict);
    fail("get_users", FaultKind::drop_before);
    EXPECT_EQ(wait(client_->create_user("alice@example.org")).error().code, Code::unavailable);
    fail("create_nfs_asset", FaultKind::conflict);
    fail("list_nfs_assets", FaultKind::garbage);
    EXPECT_EQ(wait(client_->create_nfs_data_source(lab1())).error().code, Code::unavailable);
}

}  // namespace
}  // namespace stowage::runai
