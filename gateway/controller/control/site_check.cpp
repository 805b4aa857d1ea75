// plan, and what plan and apply refuse.
// Runs in: controller.
#include "gateway/controller/control/site_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <iterator>
#include <memory>

#include "gateway/base/log.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/control/views.hpp"
#include "gateway/controller/control/work.hpp"
#include "gateway/controller/plan/export_plan.hpp"
#include "gateway/controller/reconcile/gate.hpp"
#include "gateway/controller/reconcile/rethrow.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// A plan is a plain answer that somebody waits for.
constexpr std::chrono::seconds registration_limit(60);
/// When Run:ai did not answer the last time: labs' storage shall not wait for it once more.
constexpr std::chrono::seconds silent_limit(10);
constexpr std::chrono::seconds directory_limit(5);
/// Enough for the supervisor never to wait for the next one.
constexpr std::size_t looks_at_once = 8;

bool is_there(const Context& context, const std::string& user) {
    const auto account = context.state.account(user);
    return account && account->phase == AccountPhase::active;
}

Result<void> check_user(const Context& context, const SiteRequest& request, const UserRequest& user,
                        bool needs_password) {
    const auto account = context.state.account(user.name);
    if (account && account->phase == AccountPhase::active) {
        if (account->lab == user.lab) return {};
        return Error{Code::differs,
                     fmt::format("user {} belongs to lab {}, not to {}", user.name, account->lab, user.lab),
                     fmt::format("remove the user first (`stowage user remove {}`), or choose another name",
                                 user.name)};
    }
    const bool asked = std::any_of(request.labs.begin(), request.labs.end(),
                                   [&](const LabRequest& lab) { return lab.name == user.lab; });
    const auto lab = context.state.lab(user.lab);
    if (!asked && (!lab || lab->leaves()))
        return Error{Code::not_found, fmt::format("user {}: there is no lab {}", user.name, user.lab),
                     "name the lab too, or correct it"};
    if (needs_password && !user.password)
        return Error{Code::invalid, fmt::format("user {} is new and has no password", user.name),
                     "give a password for every user that plan lists under new_users"};
    return {};
}

/// The lab as it would be: with numbers of its own if it is new.
Result<Lab> lab_as_asked(const Context& context, const LabRequest& request) {
    auto now = context.state.lab(request.name);
    const auto settings = settings_for(request, now, context.config);
    if (!now) return context.state.propose_lab(request.name, settings, context.uids);
    now->settings = settings;
    return *now;
}

asio::awaitable<Result<std::vector<Step>>> plan_lab(Context& context, Lab lab,
                                                    ObservedRegistration registration) {
    const auto request = request_to_look(context, lab);
    CO_TRY(const auto seen, co_await context.supervisor.step(request));
    auto steps = plan_storage(lab, context.site, with_what_is_known(context, lab, seen));
    name_former_clients(context.state.lab(lab.name), lab, steps);
    for (auto& step : plan_registration(lab, context.site, registration, context.state.data_source(lab.name)))
        steps.push_back(std::move(step));
    co_return steps;
}

/// One lab that cannot be looked at, as while it is changed for long, keeps no other from being planned.
std::vector<Step> not_known(const Context& context, const Lab& lab, const Error& why) {
    return {{.lab = lab.name,
             .kind = StepKind::make_directory,
             .title = "look at " + context.site.directory_of(lab.name),
             .detail = "not known: " + why.what,
             .error = why}};
}

asio::awaitable<Result<message::LabObservation>> look_soon(Context& context, const Lab& lab) {
    const auto step = request_to_look(context, lab);
    co_return co_await context.supervisor.step(step, directory_limit);
}

/// Labs in labs.root that the database does not know keep their uids.
Result<void> note_found(Context& context, const Lab& lab, const message::LabObservation& seen) {
    const auto note = [&](std::uint32_t uid, const std::string& name) {
        log::warning("lab_found_on_disk", {{"lab", name}, {"uid", uid}});
        return context.state.keep_uid(uid, name);
    };
    if (seen.marked_uid != 0) CHECK(note(seen.marked_uid, lab.name));
    if (seen.uid_owner.size != 0) CHECK(note(lab.uid, seen.uid_owner.str()));
    return {};
}

/// Labs of one plan, looked at side by side.
struct Planning {
    explicit Planning(const asio::any_io_executor& executor) : done(executor) {}
    struct One {
        Lab lab;
        ObservedRegistration registration;
        std::vector<Step> steps = {};
    };
    std::vector<One> labs = {};
    std::size_t next = 0, at_work = 0;
    Gate done;
};

asio::awaitable<void> plan_some(Context& context, std::shared_ptr<Planning> all) {
    while (all->next < all->labs.size()) {
        auto& one = all->labs[all->next++];
        auto steps = co_await plan_lab(context, one.lab, one.registration);
        one.steps = steps ? std::move(*steps) : not_known(context, one.lab, steps.error());
    }
    if (--all->at_work == 0) all->done.open();
}

asio::awaitable<std::vector<Step>> plan_labs(Context& context, std::shared_ptr<Planning> all) {
    all->at_work = std::min(all->labs.size(), looks_at_once);
    const auto workers = all->at_work;
    for (std::size_t i = 0; i < workers; ++i)
        asio::co_spawn(context.executor, plan_some(context, all), rethrow);
    if (workers > 0) co_await all->done.wait();
    std::vector<Step> steps;
    for (auto& one : all->labs)
        std::move(one.steps.begin(), one.steps.end(), std::back_inserter(steps));
    co_return steps;
}

/// Where an observation with a limit leaves its answer.
struct Looking {
    explicit Looking(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    std::optional<Result<SeenRunai>> answer = {};
};

asio::awaitable<void> look_into(Context& context, std::shared_ptr<Looking> looking) {
    looking->answer = co_await observe_runai(context);
    looking->timer.cancel();
}

/// A plan is a plain answer that somebody waits for.
asio::awaitable<Result<SeenRunai>> look_within(Context& context, std::chrono::seconds limit) {
    const auto looking = std::make_shared<Looking>(context.executor);
    looking->timer.expires_after(limit);
    asio::co_spawn(context.executor, look_into(context, looking), rethrow);
    boost::system::error_code ignored;
    // An open circuit answers at once.
    if (!looking->answer)
        co_await looking->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (looking->answer) co_return std::move(*looking->answer);
    co_return Error{Code::timeout, fmt::format("Run:ai has not answered in {} seconds", limit.count()),
                    "see `stowage status`"};
}

}  // namespace

Result<void> check_site(const Context& context, const SiteRequest& request, bool needs_passwords) {
    CHECK(check_runai(context, request));
    for (const auto& lab : request.labs)
        if (const auto now = context.state.lab(lab.name); now && now->leaves())
            return Error{Code::in_use, fmt::format("lab {} is being deleted", lab.name),
                         "wait until it is gone (`stowage status`), then apply again"};
    for (const auto& user : request.users)
        CHECK(check_user(context, request, user, needs_passwords));
    return {};
}

asio::awaitable<Result<void>> check_directory(Context& context, LabRequest request) {
    if (context.state.lab(request.name)) co_return Result<void>();
    CO_TRY(auto lab, lab_as_asked(context, request));
    auto seen = co_await look_soon(context, lab);
    // A database that was lost or begun anew learns of the labs on the disk when it would give away their
    // uids.
    while (seen && (seen->marked_uid != 0 || seen->uid_owner.size != 0)) {
        CO_CHECK(note_found(context, lab, *seen));
        CO_TRY(auto other, lab_as_asked(context, request));
        if (other.uid == lab.uid) break;
        lab = std::move(other);
        seen = co_await look_soon(context, lab);
    }
    if (!seen) co_return Result<void>();
    for (const auto& planned : plan_storage(lab, context.site, with_what_is_known(context, lab, *seen)))
        if (planned.kind == StepKind::make_directory && planned.error && planned.error->code == Code::differs)
            co_return *planned.error;
    co_return Result<void>();
}

std::vector<NamedSettings> changed_labs(const Context& context, const SiteRequest& request) {
    std::vector<NamedSettings> changes;
    for (const auto& lab : request.labs) {
        const auto now = context.state.lab(lab.name);
        auto settings = settings_for(lab, now, context.config);
        if (!now || now->settings != settings) changes.push_back({lab.name, std::move(settings)});
    }
    return changes;
}

std::vector<std::string> new_users(const Context& context, const SiteRequest& request) {
    std::vector<std::string> names;
    for (const auto& user : request.users)
        if (!is_there(context, user.name)) names.push_back(user.name);
    return names;
}

asio::awaitable<Result<json::object>> plan_site(Context& context, SiteRequest request) {
    CO_CHECK(check_site(context, request, false));
    json::array steps;
    json::object answer;
    std::int64_t pending = 0;
    // Everything of Run:ai is read once, whatever the number of labs.
    std::optional<Result<SeenRunai>> seen;
    const bool silent = context.registry.status().state == "unreachable";
    if (context.registry.is_used())
        seen = co_await look_within(context, silent ? silent_limit : registration_limit);
    const auto registered = seen && *seen ? (*seen)->registrations() : SeenRegistrations();
    const auto planning = std::make_shared<Planning>(context.executor);
    for (const auto& asked : request.labs) {
        CO_TRY(auto lab, lab_as_asked(context, asked));
        ObservedRegistration registration = NoRunai{};
        if (seen && *seen)
            registration = planned_registration(registered, request, lab);
        else if (seen)
            registration = UnknownRegistration{seen->error()};
        planning->labs.push_back({std::move(lab), std::move(registration)});
    }
    const auto planned = co_await plan_labs(context, planning);
    for (const auto& step : planned) {
        steps.push_back(step_view(step));
        if (step.change != Change::unchanged || step.error) ++pending;
    }
    if (request.runai && !request.runai->empty() && seen) {
        if (*seen) {
            answer["runai"] = plan_runai(context, request, **seen, pending);
        } else {
            json::object failed;
            failed["error"] = error_view(seen->error());
            answer["runai"] = std::move(failed);
            ++pending;
        }
    }
    const auto users = new_users(context, request);
    pending += static_cast<std::int64_t>(users.size());
    answer["pending"] = pending;
    answer["steps"] = std::move(steps);
    answer["new_users"] = json::array(users.begin(), users.end());
    co_return answer;
}

}  // namespace stowage::controller
