// The routes.
// Runs in: controller.
#include "gateway/controller/control/routes.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>

#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"
#include "gateway/controller/control/doctor_view.hpp"
#include "gateway/controller/control/nfs_clients_view.hpp"
#include "gateway/controller/control/online_views.hpp"
#include "gateway/controller/control/requests.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/control/target.hpp"
#include "gateway/controller/control/views.hpp"
#include "gateway/controller/control/work.hpp"
#include "gateway/controller/reconcile/accounts.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using Answered = Result<ControlAnswer>;

unsigned status_of(Code code) {
    switch (code) {
        case Code::invalid:
        case Code::usage:
        case Code::config:
            return 400;
        case Code::denied:
            return 403;
        case Code::not_found:
            return 404;
        case Code::exists:
        case Code::differs:
        case Code::in_use:
            return 409;
        case Code::unsupported:
            return 501;
        case Code::unavailable:
        case Code::cancelled:
            return 503;
        case Code::timeout:
            return 504;
        case Code::over_quota:
        case Code::no_space:
            return 507;
        default:
            return 500;
    }
}

ControlAnswer plain(const json::object& body) {
    return PlainAnswer{200, json::serialize(body)};
}

Answered streamed(Result<StreamedAnswer> stream) {
    if (!stream) return stream.error();
    return ControlAnswer(std::move(*stream));
}

asio::awaitable<Answered> show_status(Context& context, Target, std::string) {
    const auto entries = co_await context.supervisor.status();
    json::array processes;
    if (entries)
        for (const auto& entry : *entries)
            processes.push_back(process_view(entry));
    json::object body{{"version", STOWAGE_VERSION}, {"since", context.started_at}};
    body["processes"] = std::move(processes);
    // What the controller knows by itself is shown all the same.
    if (!entries) body["error"] = error_view(entries.error());
    body["labs"] = labs_view(context);
    body["runai"] = runai_view(context);
    body["nfs"] = nfs_view(context);
    co_return plain(body);
}

asio::awaitable<Answered> list_labs(Context& context, Target, std::string) {
    json::object body;
    body["labs"] = labs_view(context);
    co_return plain(body);
}

asio::awaitable<Answered> show_lab(Context& context, Target target, std::string) {
    CO_TRY(const auto name, target.lab());
    auto lab = context.state.lab(name);
    if (!lab)
        co_return Error{Code::not_found, fmt::format("there is no lab {}", name), "see `stowage lab list`"};
    // Fresh numbers if they come soon; a hung filesystem must not hang the answer.
    co_await look_again(context, *lab);
    lab = context.state.lab(name);
    if (!lab) co_return Error{Code::not_found, fmt::format("lab {} was just deleted", name)};
    co_return plain(lab_view(context, *lab));
}

asio::awaitable<Answered> post_lab(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_lab_request(body));
    auto stream = co_await create_lab(context, std::move(request));
    co_return streamed(std::move(stream));
}

asio::awaitable<Answered> patch_lab(Context& context, Target target, std::string body) {
    CO_TRY(const auto name, target.lab());
    CO_TRY(auto request, parse_lab_settings(body));
    request.name = name;
    auto stream = co_await set_lab(context, std::move(request));
    co_return streamed(std::move(stream));
}

asio::awaitable<Answered> remove_lab(Context& context, Target target, std::string) {
    CO_TRY(const auto name, target.lab());
    CO_CHECK(target.allow({"purge_data", "confirm"}));
    const auto purge = target.query("purge_data");
    if (purge != "" && purge != "1")
        co_return Error{Code::invalid, fmt::format("purge_data: {} is not 1", log::escaped(purge)),
                        "give 1, or leave it out"};
    if (purge == "1" && target.query("confirm") != name)
        co_return Error{
            Code::invalid,
            fmt::format("confirm: {} is not the lab's name", log::escaped(target.query("confirm"))),
            "to delete the lab's data, repeat its name: confirm=" + name};
    co_return streamed(delete_lab(context, name, purge == "1"));
}

asio::awaitable<Answered> verify_one(Context& context, Target target, std::string) {
    CO_TRY(const auto name, target.lab());
    co_return streamed(verify(context, name));
}

asio::awaitable<Answered> list_users(Context& context, Target target, std::string) {
    CO_CHECK(target.allow({"lab"}));
    const auto lab = target.query("lab");
    if (!lab.empty()) {
        CO_CHECK(parse_lab_name(lab));
        if (!context.state.lab(lab))
            co_return Error{Code::not_found, fmt::format("there is no lab {}", lab),
                            "see `stowage lab list`"};
    }
    json::object body;
    body["users"] = users_view(context, lab);
    co_return plain(body);
}

asio::awaitable<Answered> post_user(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_user_request(body));
    const Work work(context);
    CO_TRY(const auto account,
           co_await add_user(context, request.name, request.lab, std::move(*request.password)));
    co_return plain(user_view(account));
}

asio::awaitable<Answered> post_person(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_person_request(body));
    co_return streamed(add_person(context, std::move(request)));
}

asio::awaitable<Answered> put_password(Context& context, Target target, std::string body) {
    CO_TRY(const auto user, target.user());
    CO_TRY(auto password, parse_password_request(body));
    const Work work(context);
    CO_TRY(const auto account, co_await change_password(context, user, std::move(password)));
    co_return plain(user_view(account));
}

asio::awaitable<Answered> remove_one_user(Context& context, Target target, std::string) {
    CO_TRY(const auto user, target.user());
    const auto account = context.state.account(user);
    if (!account || account->phase != AccountPhase::active)
        co_return Error{Code::not_found, fmt::format("there is no user {}", user), "see `stowage user list`"};
    const Work work(context);
    CO_CHECK(co_await remove_user(context, user));
    co_return plain(user_view(*account));
}

asio::awaitable<Answered> post_plan(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_site_request(body));
    CO_TRY(const auto planned, co_await plan_site(context, std::move(request)));
    co_return plain(planned);
}

asio::awaitable<Answered> post_apply(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_site_request(body));
    auto stream = co_await apply(context, std::move(request));
    co_return streamed(std::move(stream));
}

asio::awaitable<Answered> post_prune(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_site_request(body));
    const Work work(context);
    CO_TRY(const auto pruned, co_await prune_runai(context, std::move(request)));
    co_return plain(pruned);
}

asio::awaitable<Answered> get_doctor(Context& context, Target, std::string) {
    const auto found = co_await doctor_view(context);
    co_return plain(found);
}

asio::awaitable<Answered> post_doctor(Context& context, Target, std::string) {
    co_return streamed(apply_again(context));
}

asio::awaitable<Answered> list_secrets(Context& context, Target, std::string) {
    co_return plain(secrets_view(context, ""));
}

/// What was shown is deleted; who shows it says so afterwards, so that nothing is lost in between.
asio::awaitable<Answered> drop_secrets(Context& context, Target, std::string body) {
    CO_TRY(const auto shown, parse_secrets_request(body));
    for (const auto& secret : shown)
        CO_CHECK(context.secrets.drop(secret.service, secret.email));
    co_return plain({{"deleted", shown.size()}});
}

asio::awaitable<Answered> list_sessions(Context& context, Target target, std::string) {
    CO_CHECK(target.allow({"after"}));
    const auto text = target.query("after");
    CO_TRY(const auto after, parse_session_number(text.empty() ? "0" : text));
    CO_TRY(const auto sessions, co_await context.supervisor.sessions(after));
    co_return plain(sessions_view(sessions));
}

asio::awaitable<Answered> kill_session(Context& context, Target target, std::string) {
    CO_TRY(const auto number, target.session());
    CO_CHECK(co_await context.supervisor.end_session(number));
    co_return plain({{"session", number}});
}

asio::awaitable<Answered> list_nfs_clients(Context& context, Target target, std::string) {
    CO_CHECK(target.allow({"lab"}));
    const auto lab = target.query("lab");
    if (!lab.empty()) {
        CO_CHECK(parse_lab_name(lab));
        if (!context.state.lab(lab))
            co_return Error{Code::not_found, fmt::format("there is no lab {}", lab),
                            "see `stowage lab list`"};
    }
    CO_TRY(const auto clients, co_await context.supervisor.nfs_clients());
    co_return plain(nfs_clients_view(context, clients, lab));
}

asio::awaitable<Answered> list_bans(Context& context, Target, std::string) {
    CO_TRY(const auto bans, co_await context.supervisor.bans());
    co_return plain(bans_view(bans));
}

asio::awaitable<Answered> clear_bans(Context& context, Target target, std::string) {
    CO_CHECK(target.allow({"address"}));
    const auto address = target.query("address");
    std::string network;
    if (!address.empty()) {
        CO_TRY(network, parse_banned(address));
    }
    CO_TRY(const auto count, co_await context.supervisor.clear_bans(network));
    co_return plain({{"lifted", count}});
}

/// The state database, whole. There is no secret in it.
asio::awaitable<Answered> back_up(Context& context, Target, std::string) {
    CO_TRY(auto bytes, context.state.snapshot());
    PlainAnswer whole{200, std::move(bytes), "application/vnd.sqlite3"};
    co_return ControlAnswer(std::move(whole));
}

/// "{}" stands for one name.
struct Route {
    std::string_view method, pattern;
    asio::awaitable<Answered> (*answer)(Context&, Target, std::string body);
};

constexpr Route routes[] = {
    {"GET", "/v1/status", show_status},
    {"GET", "/v1/labs", list_labs},
    {"POST", "/v1/labs", post_lab},
    {"GET", "/v1/labs/{}", show_lab},
    {"PATCH", "/v1/labs/{}", patch_lab},
    {"DELETE", "/v1/labs/{}", remove_lab},
    {"POST", "/v1/labs/{}/verify", verify_one},
    {"GET", "/v1/users", list_users},
    {"POST", "/v1/users", post_user},
    {"POST", "/v1/people", post_person},
    {"PUT", "/v1/users/{}/password", put_password},
    {"DELETE", "/v1/users/{}", remove_one_user},
    {"GET", "/v1/sessions", list_sessions},
    {"DELETE", "/v1/sessions/{}", kill_session},
    {"GET", "/v1/backup", back_up},
    {"GET", "/v1/clients", list_nfs_clients},
    {"GET", "/v1/bans", list_bans},
    {"DELETE", "/v1/bans", clear_bans},
    {"POST", "/v1/prune", post_prune},
    {"GET", "/v1/doctor", get_doctor},
    {"POST", "/v1/doctor/fix", post_doctor},
    {"GET", "/v1/secrets", list_secrets},
    {"POST", "/v1/secrets/shown", drop_secrets},
    {"POST", "/v1/plan", post_plan},
    {"POST", "/v1/apply", post_apply},
};

Error no_route(const ControlRequest& request, bool other_method) {
    const auto what =
        fmt::format("{} {}", log::escaped(request.method), log::escaped(request.target.substr(0, 200)));
    if (other_method) return {Code::invalid, what + ": this path knows other methods", "see the control API"};
    return {Code::not_found, what + ": there is no such path",
            "command line and gateway may be of different versions"};
}

}  // namespace

PlainAnswer refusal_of(const Error& error) {
    return {status_of(error.code), refusal_text(error)};
}

asio::awaitable<ControlAnswer> answer(Context& context, ControlRequest request) {
    const auto target = parse_target(request.target);
    if (!target) co_return refusal_of(target.error());
    bool other_method = false;
    for (const auto& route : routes) {
        auto matched = *target;
        if (!matched.matches(route.pattern)) continue;
        if (route.method != request.method) {
            other_method = true;
            continue;
        }
        if (context.draining && route.method != "GET") {
            const Error stopping{Code::unavailable, "the gateway is stopping", "try again when it runs"};
            co_return refusal_of(stopping);
        }
        auto answered = co_await route.answer(context, std::move(matched), std::move(request.body));
        if (!answered) co_return refusal_of(answered.error());
        co_return std::move(*answered);
    }
    co_return refusal_of(no_route(request, other_method));
}

}  // namespace stowage::controller
