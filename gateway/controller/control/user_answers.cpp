// Routes of users and their secrets.
// Runs in: controller. Distrusts: target and body.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/controller/control/requests.hpp"
#include "gateway/controller/control/route_answers.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/control/views.hpp"
#include "gateway/controller/control/work.hpp"
#include "gateway/controller/reconcile/accounts.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace json = boost::json;

asio::awaitable<Answered> list_users(Context& context, Target target, std::string) {
    CO_TRY(const auto lab, chosen_lab(context, target));
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

namespace {

/// Whether a user of Run:ai of this name goes on: "made" by us, "adopted", or "none" that we know of.
std::string_view runai_user_of(const Context& context, const std::string& user) {
    for (const auto& object : context.state.objects())
        if (object.kind == ObjectKind::user && one_spelling(object.key) == one_spelling(user))
            return object.made ? "made" : "adopted";
    return "none";
}

}  // namespace

asio::awaitable<Answered> remove_one_user(Context& context, Target target, std::string) {
    CO_TRY(const auto user, target.user());
    const auto account = context.state.account(user);
    if (!account || account->phase != AccountPhase::active)
        co_return Error{Code::not_found, fmt::format("there is no user {}", user), "see `stowage user list`"};
    const Work work(context);
    CO_CHECK(co_await remove_user(context, user));
    auto view = user_view(*account);
    view["runai_user"] = runai_user_of(context, user);
    co_return plain(view);
}

asio::awaitable<Answered> list_secrets(Context& context, Target, std::string) {
    co_return plain(secrets_view(context, ""));
}

/// What was shown is deleted; who shows it says so afterwards, so that nothing is lost in between.
asio::awaitable<Answered> drop_secrets(Context& context, Target, std::string body) {
    CO_TRY(const auto shown, parse_secrets_request(body));
    for (const auto& secret : shown)
        CO_CHECK(context.secrets.drop(secret.service, secret.email, secret.name));
    co_return plain({{"deleted", shown.size()}});
}

}  // namespace stowage::controller
