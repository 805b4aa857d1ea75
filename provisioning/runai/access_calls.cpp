// The calls about roles and access rules. There is no update: a rule is made and deleted.
// Runs in: controller. Distrusts: every reply.
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "provisioning/runai/creation.hpp"
#include "provisioning/runai/paging.hpp"
#include "provisioning/runai/resources.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace stowage::runai {
namespace {

constexpr const char* collection = "/api/v1/authorization/access-rules";

Result<std::optional<Role>> role_at(const Place& place) {
    TRY(const auto deleted, place.maybe("deletedAt"));
    if (deleted) return std::optional<Role>();
    Role role;
    TRY(const auto id, place.at("id"));
    TRY(role.id, id.integer());
    TRY(role.name, place.text_at("name"));
    TRY(const auto enabled, place.maybe("effectiveEnabled"));
    if (enabled) {
        TRY(role.enabled, enabled->boolean());
    }
    return std::optional(std::move(role));
}

Result<ObservedAccessRule> rule_at(const Place& place) {
    ObservedAccessRule found;
    TRY(const auto id, place.at("id"));
    TRY(found.id, id.integer());
    TRY(found.subject_type, place.text_at("subjectType"));
    TRY(found.value.subject, place.text_at("subjectId"));
    TRY(const auto role, place.at("roleId"));
    TRY(found.value.role_id, role.integer());
    TRY(found.value.scope_type, place.text_at("scopeType"));
    TRY(const auto scope, place.at("scopeId"));
    TRY(found.value.scope_id, scope.id());
    found.created_by = place.text_if("createdBy");
    TRY(const auto status, place.maybe("status"));
    if (status) {
        TRY(found.phase, status->maybe_text_at("phase"));
    }
    return found;
}

Result<std::optional<ObservedAccessRule>> listed(const Place& place) {
    TRY(const auto deleted, place.maybe("deletedAt"));
    if (deleted) return std::optional<ObservedAccessRule>();
    TRY(auto rule, rule_at(place));
    return std::optional(std::move(rule));
}

Result<ObservedAccessRule> created(std::string_view operation, const json::value& reply) {
    return rule_at(Place(reply, operation));
}

Answer<std::vector<ObservedAccessRule>> rules_where(std::shared_ptr<Caller> caller, std::string filter) {
    ListShape shape{collection, "accessRules", std::move(filter), ListShape::End::short_page};
    co_return co_await read_list<ObservedAccessRule>(std::move(caller), std::move(shape), listed);
}

asio::awaitable<Result<std::optional<ObservedAccessRule>>> find(std::shared_ptr<Caller> caller,
                                                                AccessRule wanted) {
    CO_TRY(auto all, co_await rules_where(caller, "subjectId==" + wanted.subject));
    for (auto& one : all)
        if (one.value == wanted && one.subject_type == "user") co_return std::optional(std::move(one));
    co_return std::optional<ObservedAccessRule>();
}

}  // namespace

Answer<std::vector<Role>> list_roles(std::shared_ptr<Caller> caller) {
    ListShape shape{"/api/v1/authorization/roles"};
    co_return co_await read_list<Role>(std::move(caller), std::move(shape), role_at);
}

Answer<std::vector<ObservedAccessRule>> list_access_rules(std::shared_ptr<Caller> caller) {
    co_return co_await rules_where(std::move(caller), "subjectType==user");
}

Answer<Made<ObservedAccessRule>> create_access_rule(std::shared_ptr<Caller> caller, AccessRule wanted) {
    CO_CHECK(check_email(wanted.subject));
    Call call;
    call.method = Method::post;
    call.path = collection;
    call.body = json::serialize(json::object{{"subjectId", wanted.subject},
                                             {"subjectType", "user"},
                                             {"roleId", wanted.role_id},
                                             {"scopeId", wanted.scope_id},
                                             {"scopeType", wanted.scope_type}});
    std::function<asio::awaitable<Result<std::optional<ObservedAccessRule>>>()> look_up = [caller, wanted] {
        return find(caller, wanted);
    };
    co_return co_await create_once<ObservedAccessRule>(caller, std::move(call), created, std::move(look_up));
}

Answer<void> delete_access_rule(std::shared_ptr<Caller> caller, std::int64_t id) {
    Call call;
    call.method = Method::remove;
    call.path = collection + ('/' + std::to_string(id));
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400 && reply.status != 404) co_return refusal(call, reply);
    co_return Result<void>();
}

}  // namespace stowage::runai
