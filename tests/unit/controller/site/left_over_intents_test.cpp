// What an apply that went wrong was about to make: a request that was never sent makes nothing ours, and one
// that was stored without an answer stays ours. Runs in: unit tests.
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "gateway/controller/control/site_watch.hpp"
#include "tests/unit/controller/site/site_bench.hpp"

namespace stowage::controller {
namespace {

using stand_in::FaultKind;

constexpr std::chrono::seconds later(3600);

class LeftOver : public testing::TestWithParam<const char*> {
  protected:
    std::size_t intents(ObjectKind kind) {
        const auto all = bench_.state().objects();
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const OwnedObject& one) {
            return one.kind == kind && one.remote_id.empty();
        }));
    }
    /// As an admin does in Run:ai. Returns the id.
    std::string make_by_hand(const std::string& email, const char* maker = "admin@example.org") {
        boost::json::object user;
        const auto id = stand_in::new_uuid();
        user["id"] = id;
        user["username"] = email;
        user["lastLogin"] = nullptr;
        user["tempPassword"] = "by hand";
        user["createdBy"] = maker;
        bench_.api().store().list("users").push_back(std::move(user));
        return id;
    }
    bool is_there(const std::string& id) { return bench_.api().store().find("users", "id", id) != nullptr; }
    std::string user_named(int number) { return "user" + std::to_string(number) + "@example.org"; }

    SiteBench bench_{GetParam()};
    const WantedSite site_ = small_site(1, 20);
};

/// Twelve failures open the circuit: nothing is sent for the other eight. Fails where "not sent" leaves open
/// whether it was made.
TEST_P(LeftOver, NothingIsWrittenDownOfWhatWasNeverSent) {
    bench_.fail("create_user", FaultKind::error_before, 0, 1000);
    ASSERT_FALSE(bench_.apply(site_)->converged());
    EXPECT_EQ(bench_.api().calls("create_user"), 12U);
    EXPECT_EQ(intents(ObjectKind::user), 12U);
    EXPECT_EQ(intents(ObjectKind::access_rule), 0U);
}

/// The whole of it: nobody's work is deleted because an apply failed some time before.
TEST_P(LeftOver, APersonMadeByHandAfterAnApplyThatFailedStays) {
    bench_.fail("create_user", FaultKind::error_before, 0, 1000);
    (void)bench_.apply(site_);
    bench_.api().faults().clear();
    const auto never_sent = make_by_hand(user_named(20));
    bench_.look(later);
    EXPECT_EQ(intents(ObjectKind::user), 0U);
    const auto long_after = make_by_hand(user_named(1));
    ASSERT_TRUE(bench_.apply(site_)->converged());
    EXPECT_TRUE(is_there(never_sent));
    EXPECT_TRUE(is_there(long_after));
    EXPECT_EQ(bench_.api().calls("delete_user_by_id"), 0U);
    // Nor are they ours, to be pruned some day.
    for (const auto& owned : bench_.state().objects())
        if (owned.kind == ObjectKind::user) {
            EXPECT_NE(owned.remote_id, never_sent);
            EXPECT_NE(owned.remote_id, long_after);
        }
}

/// Before anybody has looked, Run:ai tells who made whom, once something of the kind is ours.
TEST_P(LeftOver, APersonWhomSomebodyElseMadeStaysAlsoBeforeALook) {
    ASSERT_TRUE(bench_.apply(small_site(1, 5))->converged());
    bench_.fail("create_user", FaultKind::error_before, 0, 1000);
    (void)bench_.apply(site_);
    bench_.api().faults().clear();
    const auto by_hand = make_by_hand(user_named(6));
    ASSERT_TRUE(bench_.apply(site_)->converged());
    EXPECT_TRUE(is_there(by_hand));
}

/// Also when nobody is ours yet: we are who made the rest of what is ours.
TEST_P(LeftOver, APersonWhomSomebodyElseMadeStaysAlsoWhereNobodyIsOurs) {
    bench_.fail("create_user", FaultKind::error_before, 0, 1000);
    (void)bench_.apply(site_);
    bench_.api().faults().clear();
    const auto by_hand = make_by_hand(user_named(1));
    ASSERT_TRUE(bench_.apply(site_)->converged());
    EXPECT_TRUE(is_there(by_hand));
    EXPECT_EQ(bench_.api().calls("delete_user_by_id"), 0U);
}

/// Not with the next apply only: who is made by hand until then is nobody of ours.
TEST_P(LeftOver, TheWatchForgetsWhatCameToNothing) {
    bench_.fail("create_user", FaultKind::error_before, 0, 1000);
    (void)bench_.apply(site_);
    bench_.api().faults().clear();
    ASSERT_GT(intents(ObjectKind::user), 0U);
    const auto look = [](Context& context) -> boost::asio::awaitable<void> {
        EXPECT_TRUE(co_await look_at_site(context));
    };
    bench_.in_context(look);
    EXPECT_GT(intents(ObjectKind::user), 0U) << "their requests may still arrive";
    bench_.age_intents();
    bench_.in_context(look);
    EXPECT_EQ(intents(ObjectKind::user), 0U);
}

TEST_P(LeftOver, WhatWasStoredWithoutAnAnswerIsOursHoweverLateWeLook) {
    for (const char* operation : {"create_nodepool", "create_department", "create_project", "create_user",
                                  "create_access_rule", "create_compute_asset"})
        bench_.fail(operation, FaultKind::drop_after);
    for (int runs = 0; runs < 8; ++runs) {
        bench_.look(later);
        (void)bench_.apply(site_);
    }
    ASSERT_TRUE(bench_.apply(site_)->converged());
    EXPECT_EQ(bench_.lost_passwords(), "");
    for (const auto& owned : bench_.state().objects())
        EXPECT_TRUE(owned.made && !owned.remote_id.empty()) << owned.key;
    EXPECT_EQ(bench_.state().objects().size(), 2U + 1 + 1 + 9 + 20 + 60);
}

/// A request may still be on its way when somebody looks: that look says nothing.
TEST_P(LeftOver, WhatArrivesAfterALookIsStillOurs) {
    bench_.fail("create_user", FaultKind::drop_before);
    (void)bench_.apply(site_);
    bench_.look(std::chrono::seconds(0));
    EXPECT_EQ(intents(ObjectKind::user), 1U);
    const auto arrived = make_by_hand(user_named(1), std::string(stand_in::author).c_str());
    ASSERT_TRUE(bench_.apply(site_)->converged());
    EXPECT_FALSE(is_there(arrived)) << "its password is lost: it is made anew";
    EXPECT_EQ(bench_.lost_passwords(), "");
}

TEST_P(LeftOver, AnApplyLooksToo) {
    bench_.fail("create_user", FaultKind::error_before);
    (void)bench_.apply(site_);
    ASSERT_EQ(intents(ObjectKind::user), 1U);
    bench_.fail("create_user", FaultKind::too_many);  // not made
    bench_.later = later;
    (void)bench_.apply(site_);
    EXPECT_EQ(intents(ObjectKind::user), 0U);
}

INSTANTIATE_TEST_SUITE_P(Versions, LeftOver, testing::Values("2.20.29", "2.24.3"),
                         [](const auto& one) { return std::string(one.param).substr(2, 2); });

}  // namespace
}  // namespace stowage::controller
