// The routes.
// Runs in: controller.
#include "gateway/controller/control/routes.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "gateway/base/identity.hpp"
#include "gateway/base/log.hpp"
#include "gateway/controller/control/route_answers.hpp"
#include "gateway/controller/control/views.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

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

ControlAnswer plain(const boost::json::object& body) {
    return PlainAnswer{200, boost::json::serialize(body)};
}

Answered streamed(Result<StreamedAnswer> stream) {
    if (!stream) return stream.error();
    return ControlAnswer(std::move(*stream));
}

Result<std::string> chosen_lab(const Context& context, const Target& target) {
    CHECK(target.allow({"lab"}));
    auto lab = target.query("lab");
    if (lab.empty()) return lab;
    CHECK(parse_lab_name(lab));
    if (context.state.lab(lab)) return lab;
    return Error{Code::not_found, fmt::format("there is no lab {}", lab), "see `stowage lab list`"};
}

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
