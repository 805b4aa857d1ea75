// Labs that ask together share a look at Run:ai: calls grow with pages, and what is done is decided by a look
// of the lab's own. Runs in: unit tests.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "gateway/controller/reconcile/lab_run.hpp"
#include "tests/unit/controller/site/site_bench.hpp"

namespace stowage::controller {
namespace {

namespace asio = boost::asio;

std::size_t calls_of_a_second_apply(int labs) {
    SiteBench bench;
    const auto site = small_site(labs, 0);
    for (const auto& department : site.departments)
        bench.labs.push_back(department.unit.name);
    EXPECT_TRUE(bench.apply(site)->converged());
    const auto before = bench.calls();
    EXPECT_TRUE(bench.apply(site)->converged());
    return bench.calls() - before;
}

TEST(SharedLook, CallsOfAnApplyWithNothingToDoDoNotGrowWithLabs) {
    const auto few = calls_of_a_second_apply(5);
    EXPECT_EQ(calls_of_a_second_apply(40), few);
    EXPECT_LT(few, 20U);
}

class OldLook : public testing::Test {
  protected:
    void SetUp() override {
        for (const auto& department : site_.departments)
            bench_.labs.push_back(department.unit.name);
        ASSERT_TRUE(bench_.apply(site_)->converged());
    }
    static asio::awaitable<Change> change_of_lab1(Context& context, SharedSince since) {
        const auto steps = co_await look_at_registration(context, *context.state.lab("lab1"), since);
        co_return steps.back().change;
    }
    boost::json::array& data_sources() { return bench_.api().store().list("nfs"); }

    SiteBench bench_;
    const WantedSite site_ = small_site(4, 0);
};

TEST_F(OldLook, IsAskedNothingForTheLabsBehindIt) {
    bench_.in_context([&](Context& context) -> asio::awaitable<void> {
        const SharedSince since = std::chrono::steady_clock::now();
        EXPECT_EQ(co_await change_of_lab1(context, since), Change::unchanged);
        const auto before = bench_.calls();
        EXPECT_EQ(co_await change_of_lab1(context, since), Change::unchanged);
        EXPECT_EQ(bench_.calls(), before);
        // A later one is a look of its own.
        EXPECT_EQ(co_await change_of_lab1(context, std::chrono::steady_clock::now()), Change::unchanged);
        EXPECT_EQ(bench_.calls(), before + 2);
    });
}

TEST_F(OldLook, DoesNotDecideThatSomethingIsMissing) {
    const auto kept = data_sources();
    bench_.in_context([&](Context& context) -> asio::awaitable<void> {
        const SharedSince since = std::chrono::steady_clock::now();
        data_sources().clear();
        EXPECT_EQ(co_await change_of_lab1(context, since), Change::create);
        data_sources() = kept;
        // The shared look has none; the lab's own finds it.
        EXPECT_EQ(co_await change_of_lab1(context, since), Change::unchanged);
    });
}

TEST_F(OldLook, ThatFailedIsSharedByThoseWhoWaitedForIt) {
    bench_.fail("any", stand_in::FaultKind::error_before, 0, 1000);
    bench_.in_context([&](Context& context) -> asio::awaitable<void> {
        const SharedSince since = std::chrono::steady_clock::now();
        const auto steps = co_await look_at_registration(context, *context.state.lab("lab1"), since);
        EXPECT_TRUE(steps.back().error);
        EXPECT_EQ(context.registry.status().state, "unreachable");
        bench_.api().faults().clear();
        EXPECT_EQ(co_await change_of_lab1(context, since), Change::unchanged);
    });
}

}  // namespace
}  // namespace stowage::controller
