// Waiting for labs' turns, and for all of several.
// Runs in: controller.
#include "gateway/controller/control/lab_turns.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "gateway/controller/reconcile/rethrow.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds patience(600);

/// Nothing was begun: the lab is as it was.
LabResult refused(const Context& context, const std::string& lab, Error error) {
    LabResult result{lab, context.state.status(lab).state, std::move(error)};
    result.refused = true;
    return result;
}

asio::awaitable<LabResult> reconcile_in_turn(Context& context, std::string lab, Report report) {
    const auto turn = co_await context.labs.take(lab, patience);
    if (!turn) co_return refused(context, lab, turn.error());
    co_return co_await reconcile_lab(context, lab, report);
}

/// Labs that run side by side, and the one who waits for all of them.
struct Gathering {
    explicit Gathering(const asio::any_io_executor& executor)
        : all_done(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer all_done;
    std::size_t left = 0;
    std::vector<LabResult> results = {};
};

asio::awaitable<void> reconcile_into(Context& context, std::string lab, Report report,
                                     std::shared_ptr<Gathering> all) {
    auto result = co_await reconcile_in_turn(context, std::move(lab), std::move(report));
    all->results.push_back(std::move(result));
    if (--all->left == 0) all->all_done.cancel();
}

}  // namespace

asio::awaitable<std::vector<LabResult>> reconcile_all(Context& context, std::vector<std::string> labs,
                                                      Report report) {
    const auto all = std::make_shared<Gathering>(context.executor);
    all->left = labs.size();
    for (const auto& lab : labs)
        asio::co_spawn(context.executor, reconcile_into(context, lab, report, all), rethrow);
    boost::system::error_code ignored;
    while (all->left > 0)
        co_await all->all_done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    std::sort(all->results.begin(), all->results.end(),
              [](const LabResult& a, const LabResult& b) { return a.lab < b.lab; });
    co_return std::move(all->results);
}

asio::awaitable<LabResult> verify_in_turn(Context& context, std::string lab, Report report) {
    const auto turn = co_await context.labs.take(lab, patience);
    if (!turn) co_return refused(context, lab, turn.error());
    co_return co_await verify_lab(context, lab, report);
}

asio::awaitable<LabResult> remove_in_turn(Context& context, std::string lab, bool purge, Report report) {
    const auto turn = co_await context.labs.take(lab, patience);
    if (!turn) co_return refused(context, lab, turn.error());
    auto begun = co_await begin_removal(context, lab, purge, report);
    if (!begun) co_return refused(context, lab, begun.error());
    co_return co_await go_on_removing(context, lab, report);
}

}  // namespace stowage::controller
