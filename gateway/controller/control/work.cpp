// What is checked and written down before work begins, and the work.
// Runs in: controller.
#include "gateway/controller/control/work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "gateway/controller/control/kept_data.hpp"
#include "gateway/controller/control/lab_turns.hpp"
#include "gateway/controller/control/outcome.hpp"
#include "gateway/controller/control/site_check.hpp"
#include "gateway/controller/control/site_request.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/control/views.hpp"
#include "gateway/controller/reconcile/accounts.hpp"
#include "gateway/controller/reconcile/reasons.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"
#include "gateway/controller/reconcile/schedule.hpp"
#include "gateway/controller/reconcile/waiting.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

using Stream = std::shared_ptr<EventStream>;

/// To the stream and to the log.
Report report_to(Stream stream) {
    return [stream](const StepReport& report) {
        log_report(report);
        stream->push(step_line(report));
    };
}

bool is_there(const Context& context, const UserRequest& user) {
    const auto account = context.state.account(user.name);
    return account && account->phase == AccountPhase::active && account->lab == user.lab;
}

/// Whom another request made since the plan has that one's password. Of people it is kept; of others that
/// request alone knows it, and who asked here is told: the outcome does not name the user.
void tell_unchanged(StepReport& told, const UserRequest& user, bool asked_to_make, const Report& report) {
    told.state = Progress::unchanged;
    if (asked_to_make && user.email.empty())
        told.detail = "another request made it just now, with a password of its own";
    report(told);
}

asio::awaitable<void> add_users(Context& context, std::vector<UserRequest> users, Report report,
                                Outcome& outcome) {
    for (auto& user : users) {
        StepReport told{user.lab, "add_user", "user " + user.name};
        const bool asked_to_make = user.password.has_value();
        if (is_there(context, user)) {
            tell_unchanged(told, user, asked_to_make, report);
            continue;
        }
        report(told);
        const auto since = std::chrono::steady_clock::now();
        auto password = user.password ? std::move(*user.password) : Secret();
        auto added = co_await add_user(context, user.name, user.lab, std::move(password), user.email);
        told.ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since)
                .count();
        if (!added && added.error().code == Code::exists && is_there(context, user)) {
            tell_unchanged(told, user, asked_to_make, report);
            continue;
        }
        told.state = added ? Progress::done : Progress::failed;
        if (!added) told.error = added.error();
        report(told);
        if (added) outcome.users.push_back(*added);
        if (!added && !outcome.user_error) outcome.user_error = added.error();
    }
}

asio::awaitable<void> run_apply(Context& context, std::vector<std::string> labs,
                                std::vector<UserRequest> users, std::optional<WantedSite> site, bool adopt,
                                Stream stream) {
    const Work work(context);
    const auto report = report_to(stream);
    Outcome outcome;
    const auto all = begin_all(context, std::move(labs), std::move(site), adopt, report);
    co_await all->storage_done.wait();
    co_await add_users(context, std::move(users), report, outcome);
    co_await finish_all(all);
    outcome.labs = std::move(all->results);
    outcome.site = std::move(all->site);
    finish(context, stream, outcome);
}

/// What was asked for cannot be: nothing was sent. One that does not answer leaves the FTPS account to be
/// made.
bool was_refused(const SiteOutcome& site) {
    if (site.done + site.unchanged > 0 || site.failures.size() != 1) return false;
    const auto& failure = site.failures.front();
    return failure.item.key == whole_site && failure.error.code == Code::not_found;
}

/// Run:ai first: what it cannot give, a project or a role, is noticed there before there is any account.
asio::awaitable<void> run_person(Context& context, UserRequest user, WantedSite site, Stream stream) {
    const Work work(context);
    const auto report = report_to(stream);
    Outcome outcome;
    outcome.site = co_await apply_runai(context, std::move(site), false, report);
    if (was_refused(*outcome.site)) {
        outcome.user_error = outcome.site->failures.front().error;
        outcome.site.reset();
    } else {
        std::vector<UserRequest> users;
        users.push_back(std::move(user));
        co_await add_users(context, std::move(users), report, outcome);
    }
    finish(context, stream, outcome);
}

asio::awaitable<void> run_verify(Context& context, std::string lab, Stream stream) {
    const Work work(context);
    auto report = report_to(stream);
    Outcome outcome;
    outcome.goes_on = false;
    auto result = co_await verify_in_turn(context, std::move(lab), std::move(report));
    outcome.labs.push_back(std::move(result));
    finish(context, stream, outcome);
}

asio::awaitable<void> run_delete(Context& context, std::string lab, bool purge, Stream stream) {
    const Work work(context);
    Outcome outcome;
    auto report = report_to(stream);
    const auto accounts = context.state.accounts();
    const auto users = std::count_if(accounts.begin(), accounts.end(), [&](const Account& one) {
        return one.lab == lab && one.phase == AccountPhase::active;
    });
    auto result = co_await remove_in_turn(context, std::move(lab), purge, std::move(report));
    if (result.gone) outcome.users_gone = static_cast<std::size_t>(users);
    outcome.labs.push_back(std::move(result));
    finish(context, stream, outcome);
}

/// So that the schedule does not begin a pass of its own over what a request is about to do.
void leave_to_request(Context& context, const std::string& lab) {
    context.due[lab].at = std::chrono::steady_clock::now() + context.config.reconcile_interval;
}

/// Labs that are there and are to be another way on this node: a walk that brings about the former one is of
/// no use.
std::vector<std::string> wanted_otherwise(const Context& context, const std::vector<NamedSettings>& changes) {
    std::vector<std::string> labs;
    for (const auto& [name, settings] : changes) {
        const auto now = context.state.lab(name);
        if (!now) continue;
        auto then = *now;
        then.settings = settings;
        if (wanted_form(*now, context.site) != wanted_form(then, context.site)) labs.push_back(name);
    }
    return labs;
}

Result<void> check_there(const Context& context, const std::string& lab) {
    if (context.state.lab(lab)) return {};
    return no_such_lab(context, lab);
}

}  // namespace

asio::awaitable<Result<Stream>> create_lab(Context& context, LabRequest request) {
    const Work work(context);
    const auto settings = settings_for(request, std::nullopt, context.config);
    CO_CHECK(co_await check_directory(context, request));
    CO_CHECK(context.state.add_lab(request.name, settings, context.uids));
    leave_to_request(context, request.name);
    const auto stream = std::make_shared<EventStream>(context.executor);
    std::vector<std::string> labs = {request.name};
    asio::co_spawn(context.executor, run_apply(context, std::move(labs), {}, std::nullopt, false, stream),
                   rethrow);
    co_return stream;
}

asio::awaitable<Result<Stream>> delete_lab(Context& context, std::string lab, bool purge) {
    const Work work(context);
    if (purge && context.state.has_kept_data(lab)) {
        CO_CHECK(co_await recall_for_purge(context, lab));
        leave_to_request(context, lab);
    }
    CO_CHECK(check_there(context, lab));
    const auto stream = std::make_shared<EventStream>(context.executor);
    asio::co_spawn(context.executor, run_delete(context, lab, purge, stream), rethrow);
    co_return stream;
}

Result<Stream> verify(Context& context, const std::string& lab) {
    CHECK(check_there(context, lab));
    const auto stream = std::make_shared<EventStream>(context.executor);
    asio::co_spawn(context.executor, run_verify(context, lab, stream), rethrow);
    return stream;
}

Result<Stream> apply_again(Context& context) {
    const auto text = context.state.applied_site();
    if (text.empty() || !context.registry.is_used())
        return Error{Code::not_found, "no site that speaks of Run:ai was applied", "see `stowage apply`"};
    TRY(auto site, parse_wanted_site(text));
    const auto stream = std::make_shared<EventStream>(context.executor);
    asio::co_spawn(context.executor, run_apply(context, {}, {}, std::move(site), false, stream), rethrow);
    return stream;
}

Result<Stream> add_person(Context& context, PersonRequest request) {
    if (!context.registry.is_used())
        return Error{Code::config, "the gateway has no runai.url, so it makes no users of Run:ai",
                     "use `stowage user add --ftps-only`"};
    const auto lab = context.state.lab(request.user.lab);
    if (!lab || lab->leaves())
        return Error{Code::not_found, fmt::format("there is no lab {}", request.user.lab),
                     "see `stowage lab list`"};
    const auto account = context.state.account(request.user.name);
    if (account && account->phase == AccountPhase::active && account->lab != request.user.lab)
        return Error{
            Code::exists,
            fmt::format("user {} is there already, in lab {}: nothing was changed", account->user,
                        account->lab),
            fmt::format(
                "a person has one lab: `stowage user remove {}` first, or give access to another lab's "
                "project in Run:ai itself",
                account->user)};
    WantedSite site;
    site.people_only = true;
    site.members.push_back(std::move(request.member));
    const auto stream = std::make_shared<EventStream>(context.executor);
    asio::co_spawn(context.executor, run_person(context, std::move(request.user), std::move(site), stream),
                   rethrow);
    return stream;
}

asio::awaitable<Result<Stream>> apply(Context& context, SiteRequest request) {
    const Work work(context);
    for (const auto& lab : request.labs) {
        auto asked = lab;
        CO_CHECK(co_await check_directory(context, std::move(asked)));
    }
    CO_CHECK(check_site(context, request, true));
    const auto changes = changed_labs(context, request);
    const auto otherwise = wanted_otherwise(context, changes);
    // A second apply of the same file writes nothing, not even this.
    if (!changes.empty()) CO_CHECK(context.state.put_labs(changes, context.uids));
    std::vector<std::string> labs;
    for (const auto& lab : request.labs) {
        leave_to_request(context, lab.name);
        labs.push_back(lab.name);
    }
    const auto stream = std::make_shared<EventStream>(context.executor);
    for (const auto& lab : otherwise)
        end_quota_step_of(context, lab);
    asio::co_spawn(context.executor,
                   run_apply(context, std::move(labs), std::move(request.users), std::move(request.runai),
                             request.adopt, stream),
                   rethrow);
    co_return stream;
}

asio::awaitable<Result<Stream>> set_lab(Context& context, LabRequest request) {
    CO_CHECK(check_there(context, request.name));
    SiteRequest site;
    site.labs.push_back(std::move(request));
    auto stream = co_await apply(context, std::move(site));
    co_return stream;
}

}  // namespace stowage::controller
