// Waiting for labs' turns, and for all of several.
// Runs in: controller.
#include "gateway/controller/control/lab_turns.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"
#include "gateway/controller/reconcile/waiting.hpp"

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

asio::awaitable<Result<Turns::Turn>> take_turn(Context& context, std::string lab, Report report) {
    auto key = lab;
    co_return co_await take_aloud(context.labs, std::move(key), patience, std::move(lab), "earlier request",
                                  std::move(report));
}

void note_storage_done(Applying& all) {
    if (--all.storage_left == 0) all.storage_done.open();
}

asio::awaitable<SharedSince> wait_for_site(std::shared_ptr<Applying> all, std::shared_ptr<bool> told) {
    *told = true;
    note_storage_done(*all);
    co_await all->site_done.wait();
    co_return all->since;
}

asio::awaitable<void> reconcile_into(Context& context, std::string lab, Report report,
                                     std::shared_ptr<Applying> all) {
    const auto told = std::make_shared<bool>(false);
    auto turn = co_await take_turn(context, lab, report);
    LabResult result;
    if (turn) {
        BetweenParts between = [all, told] { return wait_for_site(all, told); };
        result = co_await reconcile_lab(context, lab, std::move(*turn), std::move(report),
                                        DriftPolicy::repair, std::move(between));
    } else {
        result = refused(context, lab, turn.error());
    }
    if (!*told) note_storage_done(*all);
    all->results.push_back(std::move(result));
    if (--all->left == 0) all->all_done.open();
}

asio::awaitable<void> apply_site_into(Context& context, std::optional<WantedSite> site, bool adopt,
                                      Report report, std::shared_ptr<Applying> all) {
    if (site && !site->empty()) all->site = co_await apply_runai(context, std::move(*site), adopt, report);
    if (all->labs > few_labs) all->since = std::chrono::steady_clock::now();
    all->site_done.open();
}

}  // namespace

std::shared_ptr<Applying> begin_all(Context& context, std::vector<std::string> labs,
                                    std::optional<WantedSite> site, bool adopt, const Report& report) {
    const auto all = std::make_shared<Applying>(context.executor);
    all->labs = all->left = all->storage_left = labs.size();
    if (labs.empty()) {
        all->storage_done.open();
        all->all_done.open();
    }
    asio::co_spawn(context.executor, apply_site_into(context, std::move(site), adopt, report, all), rethrow);
    for (const auto& lab : labs)
        asio::co_spawn(context.executor, reconcile_into(context, lab, report, all), rethrow);
    return all;
}

asio::awaitable<void> finish_all(std::shared_ptr<Applying> all) {
    co_await all->site_done.wait();
    co_await all->all_done.wait();
    std::sort(all->results.begin(), all->results.end(),
              [](const LabResult& a, const LabResult& b) { return a.lab < b.lab; });
}

asio::awaitable<LabResult> verify_in_turn(Context& context, std::string lab, Report report) {
    const auto turn = co_await take_turn(context, lab, report);
    if (!turn) co_return refused(context, lab, turn.error());
    co_return co_await verify_lab(context, lab, report);
}

asio::awaitable<LabResult> remove_in_turn(Context& context, std::string lab, bool purge, Report report) {
    end_quota_step_of(context, lab);
    const auto turn = co_await take_turn(context, lab, report);
    if (!turn) co_return refused(context, lab, turn.error());
    auto begun = co_await begin_removal(context, lab, purge, report);
    if (!begun) co_return refused(context, lab, begun.error());
    co_return co_await go_on_removing(context, lab, report);
}

}  // namespace stowage::controller
