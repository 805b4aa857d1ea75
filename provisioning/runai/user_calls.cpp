// The calls about users. Their temporary password comes once, in the answer to their creation.
// Runs in: controller. Distrusts: every reply.
#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/base/log.hpp"
#include "provisioning/runai/creation.hpp"
#include "provisioning/runai/paging.hpp"
#include "provisioning/runai/resources.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace stowage::runai {
namespace {

constexpr const char* collection = "/api/v1/users";
constexpr std::size_t max_password_bytes = 1024;

Result<std::optional<User>> user_at(const Place& place) {
    User user;
    TRY(const auto id, place.at("id"));
    TRY(user.id, id.id());
    TRY(user.email, place.text_at("username"));
    TRY(const auto login, place.maybe("lastLogin"));
    user.has_logged_in = login.has_value();
    user.created_by = place.text_if("createdBy");
    return std::optional(std::move(user));
}

/// A password that a terminal or a file of lines cannot carry is no password of Run:ai's.
Result<NewUser> created(std::string_view operation, const json::value& reply) {
    const Place place(reply, operation);
    NewUser made;
    TRY(const auto id, place.at("id"));
    TRY(made.user.id, id.id());
    TRY(made.user.email, place.text_at("username"));
    TRY(const auto password, place.text_at("tempPassword"));
    bool good = !password.empty() && password.size() <= max_password_bytes;
    for (const char c : password)
        good = good && static_cast<unsigned char>(c) > ' ' && c != 127;
    if (!good)
        return Error{Code::protocol, std::string(operation) + ": tempPassword of the reply is no password"};
    made.password = Secret(password);
    return made;
}

asio::awaitable<Result<std::optional<NewUser>>> find(std::shared_ptr<Caller> caller, std::string email) {
    // All of them: whether `filterBy=username` minds the case is not documented, and Run:ai says 409 whatever
    // it is.
    ListShape shape{collection, "", "", ListShape::End::short_page};
    CO_TRY(auto all, co_await read_list<User>(std::move(caller), std::move(shape), user_at));
    for (auto& one : all)
        if (boost::algorithm::iequals(one.email, email, std::locale::classic()))
            co_return std::optional(NewUser{std::move(one), Secret()});
    co_return std::optional<NewUser>();
}

bool is_in(char c, std::string_view more) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != more.npos;
}

}  // namespace

Result<void> check_email(std::string_view email) {
    const auto at = email.find('@');
    const auto dot = email.rfind('.');
    bool good = email.size() <= 254 && at != email.npos && at > 0 && dot != email.npos && dot > at + 1 &&
                email.size() - dot > 2;
    for (std::size_t i = 0; good && i < email.size(); ++i) {
        if (i == at) continue;
        const char c = email[i];
        if (i < at)
            good = is_in(c, "._%+-");
        else
            good = i > dot ? is_in(c, "") && !(c >= '0' && c <= '9') : is_in(c, ".-");
    }
    if (good) return {};
    return Error{
        Code::invalid,
        fmt::format("\"{}\" is no email address that Run:ai takes", log::escaped(email.substr(0, 100))),
        "write it as name@example.org"};
}

Answer<std::vector<User>> list_users(std::shared_ptr<Caller> caller) {
    ListShape shape{collection, "", "", ListShape::End::short_page};
    co_return co_await read_list<User>(std::move(caller), std::move(shape), user_at);
}

Answer<Made<NewUser>> create_user(std::shared_ptr<Caller> caller, std::string email) {
    CO_CHECK(check_email(email));
    Call call;
    call.method = Method::post;
    call.path = collection;
    call.body = json::serialize(json::object{{"email", email}});
    std::function<asio::awaitable<Result<std::optional<NewUser>>>()> look_up = [caller, email] {
        return find(caller, email);
    };
    co_return co_await create_once<NewUser>(caller, std::move(call), created, std::move(look_up));
}

Answer<void> delete_user(std::shared_ptr<Caller> caller, std::string id) {
    // It goes into a request line: nothing in it may end that, or lead to another path.
    const bool good = !id.empty() && id.size() <= 64 &&
                      std::all_of(id.begin(), id.end(), [](char c) { return is_in(c, "-"); });
    if (!good) co_return Error{Code::protocol, fmt::format("user id \"{}\" is none", log::escaped(id))};
    Call call;
    call.method = Method::remove;
    call.path = std::string(collection) + '/' + id;
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400 && reply.status != 404) co_return refusal(call, reply);
    co_return Result<void>();
}

}  // namespace stowage::runai
