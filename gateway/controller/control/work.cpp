// Runs over several labs, told as one stream.
// Runs in: controller.
#include "gateway/controller/control/work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "gateway/controller/control/site_check.hpp"
#include "gateway/controller/control/site_request.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/control/views.hpp"
#include "gateway/controller/reconcile/accounts.hpp"
#include "gateway/controller/reconcile/gate.hpp"
#include "gateway/controller/reconcile/lab_run.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"
#include "gateway/controller/reconcile/schedule.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds patience(600);

using Stream = std::shared_ptr<EventStream>;

/// To the stream and to the log.
Report report_to(Stream stream) {
    return [stream](const StepReport& report) {
        log_report(report);
        stream->push(step_line(report));
    };
}

/// What came of one request, gathered from its labs and users.
struct Outcome {
    std::vector<LabResult> labs = {};
    std::vector<Account> users = {};
    std::optional<Error> user_error = {};
    std::optional<SiteOutcome> site = {};
    bool goes_on = true;  ///< what failed for now is tried again by itself
};

/// What is tried again by itself has not failed yet; a verification asks how it is now.
bool failed(const LabResult& result, bool goes_on) {
    if (result.refused || result.state == LabState::failed) return true;
    if (result.gone || result.state == LabState::ready || result.state == LabState::degraded) return false;
    return !goes_on || !result.error || !is_transient(result.error->code);
}

std::string summary_of(const Context& context, const LabResult& lab) {
    if (lab.gone && lab.kept)
        return fmt::format("lab {} is deleted, its data stays in {}", lab.lab,
                           context.site.directory_of(lab.lab));
    if (lab.gone) return fmt::format("lab {} is deleted", lab.lab);
    if (lab.refused) return fmt::format("lab {} is as it was: {}", lab.lab, lab.error->what);
    if (lab.error) return fmt::format("lab {} is {}: {}", lab.lab, to_string(lab.state), lab.error->what);
    return fmt::format("lab {} is {}", lab.lab, to_string(lab.state));
}

std::string summary_of(const Context& context, const Outcome& outcome, bool converged) {
    if (outcome.labs.size() == 1 && outcome.users.empty() && !outcome.site)
        return summary_of(context, outcome.labs.front());
    const auto ready = std::count_if(outcome.labs.begin(), outcome.labs.end(),
                                     [](const LabResult& lab) { return lab.state == LabState::ready; });
    std::string site;
    if (outcome.site)
        site = fmt::format("Run:ai: {} done, {} unchanged, {} left; ", outcome.site->done,
                           outcome.site->unchanged, outcome.site->failures.size());
    std::string labs;
    if (!outcome.labs.empty()) labs = fmt::format("{} of {} labs ready, ", ready, outcome.labs.size());
    return fmt::format("{}{}{} users made{}", site, labs, outcome.users.size(),
                       converged ? "" : "; not everything is as asked");
}

void finish(Context& context, const Stream& stream, const Outcome& outcome) {
    std::optional<Error> error = outcome.user_error;
    bool ok = !error, converged = ok;
    json::array labs, users;
    for (const auto& result : outcome.labs) {
        ok = ok && !failed(result, outcome.goes_on);
        converged = converged && (result.gone || result.state == LabState::ready);
        if (result.error && !error) error = result.error;
        if (const auto lab = context.state.lab(result.lab)) labs.push_back(lab_view(context, *lab));
    }
    for (const auto& account : outcome.users)
        users.push_back(user_view(account));
    json::array warnings;
    if (outcome.site) {
        // What Run:ai does not take now is left for the next apply: the labs are served all the same.
        converged = converged && outcome.site->converged();
        if (!outcome.site->converged() && !error) error = outcome.site->failures.front().error;
        for (const auto& warning : outcome.site->warnings)
            warnings.emplace_back(warning);
    }
    json::object line{{"event", "result"}, {"ok", ok}, {"converged", converged}};
    line["labs"] = std::move(labs);
    line["users"] = std::move(users);
    line["warnings"] = std::move(warnings);
    line["secrets"] = context.secrets.all().size();
    line["summary"] = summary_of(context, outcome, converged);
    if (error) line["error"] = error_view(*error);
    stream->push(json::serialize(line) + "\n");
    stream->end();
}

/// Nothing was begun: the lab is as it was.
LabResult refused(const Context& context, const std::string& lab, Error error) {
    LabResult result{lab, context.state.status(lab).state, std::move(error)};
    result.refused = true;
    return result;
}

/// One apply: labs that run side by side, the Run:ai part beside them, and the one who waits for all of them.
struct Applying {
    explicit Applying(const asio::any_io_executor& executor)
        : storage_done(executor), site_done(executor), all_done(executor) {}
    Gate storage_done;  ///< of all labs
    Gate site_done;     ///< departments and projects are there: data sources may come
    Gate all_done;
    std::size_t storage_left = 0, left = 0;
    std::vector<LabResult> results = {};
    std::optional<SiteOutcome> site = {};
};

void note_storage_done(Applying& all) {
    if (--all.storage_left == 0) all.storage_done.open();
}

asio::awaitable<void> wait_for_site(std::shared_ptr<Applying> all, std::shared_ptr<bool> told) {
    *told = true;
    note_storage_done(*all);
    co_await all->site_done.wait();
}

asio::awaitable<void> reconcile_into(Context& context, std::string lab, Report report,
                                     std::shared_ptr<Applying> all) {
    const auto told = std::make_shared<bool>(false);
    auto turn = co_await context.labs.take(lab, patience);
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
    all->site_done.open();
}

/// Storage waits for no answer of Run:ai: both begin at once.
std::shared_ptr<Applying> begin_all(Context& context, std::vector<std::string> labs,
                                    std::optional<WantedSite> site, bool adopt, const Report& report) {
    const auto all = std::make_shared<Applying>(context.executor);
    all->left = all->storage_left = labs.size();
    if (labs.empty()) {
        all->storage_done.open();
        all->all_done.open();
    }
    asio::co_spawn(context.executor, apply_site_into(context, std::move(site), adopt, report, all), rethrow);
    for (const auto& lab : labs)
        asio::co_spawn(context.executor, reconcile_into(context, lab, report, all), rethrow);
    return all;
}

asio::awaitable<void> finish_all(std::shared_ptr<Applying> all, Outcome& outcome) {
    co_await all->site_done.wait();
    co_await all->all_done.wait();
    std::sort(all->results.begin(), all->results.end(),
              [](const LabResult& a, const LabResult& b) { return a.lab < b.lab; });
    outcome.labs = std::move(all->results);
    outcome.site = std::move(all->site);
}

asio::awaitable<void> add_users(Context& context, std::vector<UserRequest> users, Report report,
                                Outcome& outcome) {
    for (auto& user : users) {
        const auto there = context.state.account(user.name);
        StepReport told{user.lab, "add_user", "user " + user.name};
        if (there && there->phase == AccountPhase::active) {
            told.state = Progress::unchanged;
            report(told);
            continue;
        }
        report(told);
        const auto since = std::chrono::steady_clock::now();
        auto password = user.password ? std::move(*user.password) : Secret();
        if (!user.email.empty()) {
            // Before the first step that can fail, so that a crash loses no password that works.
            auto sealed = context.secrets.put({"FTPS", user.email, user.lab, user.name, password.clone()});
            if (!sealed) {
                told.state = Progress::failed;
                told.error = sealed.error();
                report(told);
                if (!outcome.user_error) outcome.user_error = sealed.error();
                continue;
            }
        }
        auto added = co_await add_user(context, user.name, user.lab, std::move(password));
        told.ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since)
                .count();
        told.state = added ? Progress::done : Progress::failed;
        if (!added) told.error = added.error();
        if (!added && !user.email.empty()) (void)context.secrets.drop("FTPS", user.email);
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
    co_await finish_all(all, outcome);
    finish(context, stream, outcome);
}

asio::awaitable<LabResult> verify_in_turn(Context& context, std::string lab, Report report) {
    const auto turn = co_await context.labs.take(lab, patience);
    if (!turn) co_return refused(context, lab, turn.error());
    co_return co_await verify_lab(context, lab, report);
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

asio::awaitable<LabResult> remove_in_turn(Context& context, std::string lab, bool purge, Report report) {
    const auto turn = co_await context.labs.take(lab, patience);
    if (!turn) co_return refused(context, lab, turn.error());
    auto begun = co_await begin_removal(context, lab, purge, report);
    if (!begun) co_return refused(context, lab, begun.error());
    co_return co_await go_on_removing(context, lab, report);
}

asio::awaitable<void> run_delete(Context& context, std::string lab, bool purge, Stream stream) {
    const Work work(context);
    Outcome outcome;
    auto report = report_to(stream);
    auto result = co_await remove_in_turn(context, std::move(lab), purge, std::move(report));
    outcome.labs.push_back(std::move(result));
    finish(context, stream, outcome);
}

/// So that the schedule does not begin a pass of its own over what a request is about to do.
void leave_to_request(Context& context, const std::string& lab) {
    context.due[lab].at = std::chrono::steady_clock::now() + context.config.reconcile_interval;
}

Result<void> check_there(const Context& context, const std::string& lab) {
    if (context.state.lab(lab)) return {};
    return Error{Code::not_found, fmt::format("there is no lab {}", lab), "see `stowage lab list`"};
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

Result<Stream> delete_lab(Context& context, const std::string& lab, bool purge) {
    CHECK(check_there(context, lab));
    const auto stream = std::make_shared<EventStream>(context.executor);
    asio::co_spawn(context.executor, run_delete(context, lab, purge, stream), rethrow);
    return stream;
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
    WantedSite site;
    site.people_only = true;
    site.members.push_back(std::move(request.member));
    std::vector<UserRequest> users;
    users.push_back(std::move(request.user));
    const auto stream = std::make_shared<EventStream>(context.executor);
    asio::co_spawn(context.executor, run_apply(context, {}, std::move(users), std::move(site), false, stream),
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
    // A second apply of the same file writes nothing, not even this.
    if (!changes.empty()) CO_CHECK(context.state.put_labs(changes, context.uids));
    std::vector<std::string> labs;
    for (const auto& lab : request.labs) {
        leave_to_request(context, lab.name);
        labs.push_back(lab.name);
    }
    const auto stream = std::make_shared<EventStream>(context.executor);
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
