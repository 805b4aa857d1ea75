// Users: a temporary password once, 409 for an address that is known.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#include <algorithm>
#include <boost/json/object.hpp>

#include "tests/support/runai_stand_in/operations.hpp"

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

const std::vector<std::string_view> fields{"username",     "createdBy",   "lastLogin",
                                           "creationTime", "lastUpdated", "isLocal"};

const std::vector<Rule>& list_query() {
    static const auto rules = [] {
        auto all = list_rules(fields);
        all.push_back({.name = "search"});
        return all;
    }();
    return rules;
}

const std::vector<Rule>& create_rules(bool newer) {
    static const std::vector<Rule> old{{.name = "email", .kind = Kind::email, .required = true},
                                       {.name = "resetPassword", .kind = Kind::boolean, .nullable = true}};
    static const auto recent = [] {
        auto rules = old;
        rules.push_back({.name = "notify", .kind = Kind::boolean, .nullable = true});
        return rules;
    }();
    return newer ? recent : old;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// The password is the tests' to know, not the lists' to tell.
json::object shown(json::object user) {
    user.erase("tempPassword");
    return user;
}

Answer list(const Asked& asked) {
    auto page = page_of(filtered(asked, "users", fields), asked.request, 500);
    json::array users;
    for (auto& user : page.items)
        users.push_back(shown(std::move(user.as_object())));
    return {200, std::move(users), {}};
}

Answer get(const Asked& asked) {
    const auto* user = asked.store.find("users", "id", asked.id);
    if (user == nullptr) return refuse(404, "User not found");
    return {200, shown(*user), {}};
}

Answer create(const Asked& asked) {
    json::value body;
    auto& store = asked.store;
    if (const auto wrong = read_body(asked.request, create_rules(store.is_newer()), body))
        return refuse(400, *wrong);
    const auto email = lower(text_of(body.get_object(), "email"));
    if (store.find("users", "username", email) != nullptr) return refuse(409, "User already exists");
    json::object user;
    user["id"] = new_uuid();
    user["username"] = email;
    stamp_new(user);
    user.erase("updatedBy");
    user["lastLogin"] = nullptr;
    user["isLocal"] = true;
    user["tempPassword"] = new_uuid().substr(0, 13);
    store.list("users").push_back(user);
    json::object answer;
    for (const char* key : {"id", "username", "tempPassword"})
        answer[key] = user.at(key);
    return changed(201, std::move(answer));
}

Answer remove(const Asked& asked) {
    if (asked.store.find("users", "id", asked.id) == nullptr) return refuse(404, "User not found");
    asked.store.remove("users", "id", asked.id);
    return changed(204, nullptr);
}

}  // namespace

const std::vector<Operation>& user_operations() {
    constexpr std::string_view path = "/api/v1/users";
    static const std::vector<Operation> operations{
        {"get_users", "GET", path, list_query, list},
        {"create_user", "POST", path, no_query, create},
        {"get_user_by_id", "GET", path, no_query, get, Operation::Id::text},
        {"delete_user_by_id", "DELETE", path, no_query, remove, Operation::Id::text},
    };
    return operations;
}

}  // namespace stowage::stand_in
