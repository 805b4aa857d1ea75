// The calls about NFS data sources.
// Runs in: controller. Distrusts: every reply.
#include "provisioning/runai/nfs_calls.hpp"

#include <fmt/format.h>

#include "gateway/base/log.hpp"
#include "provisioning/runai/caller.hpp"
#include "provisioning/runai/creation.hpp"

namespace asio = boost::asio;

namespace stowage::runai {
namespace {

constexpr const char* collection = "/api/v1/asset/datasource/nfs";

Call list_call(std::string query) {
    Call call;
    call.path = collection;
    call.query = std::move(query);
    return call;
}

Result<Call> call_about(Method method, const std::string& id) {
    if (!is_uuid(id))
        return Error{Code::invalid, fmt::format("data source id \"{}\" is no UUID", log::escaped(id))};
    Call call;
    call.method = method;
    call.path = std::string(collection) + '/' + id;
    return call;
}

asio::awaitable<Result<std::vector<ObservedDataSource>>> list(std::shared_ptr<Caller> caller, Call call) {
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400) co_return refusal(call, reply);
    co_return nfs_data_sources_in(call.name(), reply.json);
}

/// What is in the way when the name is taken and our department or project does not have it.
asio::awaitable<Error> taken_elsewhere(std::shared_ptr<Caller> caller, NfsDataSource wanted, Error refused) {
    const auto call = list_call(target("", {{"name", wanted.name}}));
    const auto all = co_await list(caller, call);
    Error error{Code::exists, refused.what, "delete or rename the data source that has the name, in Run:ai"};
    if (!all) co_return error;
    for (const auto& one : *all)
        if (one.value.name == wanted.name)
            error.what += fmt::format("; the name is taken by {} of scope {}{}", log::escaped(one.id),
                                      log::escaped(one.scope),
                                      one.value.department_id.empty()
                                          ? ""
                                          : " (department " + log::escaped(one.value.department_id) + ")");
    co_return error;
}

const char* scope_of(const NfsDataSource& source) {
    return source.project_id.empty() ? "department" : "project";
}

/// Something of this name is there: is it what we want?
Result<Created> adopted(const NfsDataSource& wanted, ObservedDataSource found, bool after_lost_answer) {
    const auto differing = differences(wanted, found.value);
    if (!differing.empty())
        return Error{Code::differs,
                     fmt::format("Run:ai has another data source \"{}\" in this {}: {}",
                                 log::escaped(wanted.name), scope_of(wanted), to_string(differing)),
                     "delete it or make it equal in Run:ai, or let stowage own it"};
    return Created{std::move(found), true, after_lost_answer};
}

/// A stored object must be what was sent; else the server means something else by our fields.
Result<ObservedDataSource> stored(const Call& call, const Reply& reply, const NfsDataSource& wanted) {
    TRY(auto source, nfs_data_source_in(call.name(), reply.json));
    const auto differing = differences(wanted, source.value);
    if (!differing.empty())
        return Error{
            Code::protocol,
            fmt::format("{}: what was stored is not what was sent: {}", call.name(), to_string(differing)),
            "look at the data source in Run:ai"};
    return source;
}

}  // namespace

asio::awaitable<Result<std::optional<ObservedDataSource>>> find_nfs(std::shared_ptr<Caller> caller,
                                                                    NfsDataSource wanted) {
    const bool of_project = !wanted.project_id.empty();
    const std::string scope = scope_of(wanted), id = of_project ? wanted.project_id : wanted.department_id;
    const auto& name = wanted.name;
    const auto query =
        target("", {{"scope", scope}, {of_project ? "projectId" : "departmentId", id}, {"name", name}});
    const auto call = list_call(query);
    CO_TRY(auto all, co_await list(caller, call));
    std::optional<ObservedDataSource> found;
    for (auto& one : all) {
        // Whether `name` matches exactly is nowhere promised, and lists may hold what is inherited.
        const bool hit = one.value.name == name && one.scope == scope &&
                         (of_project ? one.value.project_id : one.value.department_id) == id;
        if (!hit) continue;
        if (found)
            co_return Error{
                Code::exists,
                fmt::format("Run:ai has several data sources \"{}\" in {} {}, among them {} and {}",
                            log::escaped(name), scope, log::escaped(id), log::escaped(found->id),
                            log::escaped(one.id)),
                "delete all but one in Run:ai"};
        found = std::move(one);
    }
    if (found && !is_uuid(found->id))
        co_return Error{Code::protocol,
                        fmt::format("{}: meta.id \"{}\" is no UUID", call.name(), log::escaped(found->id))};
    co_return found;
}

asio::awaitable<Result<Created>> create_nfs(std::shared_ptr<Caller> caller, NfsDataSource wanted) {
    CO_CHECK(check(wanted));
    Call call;
    call.method = Method::post;
    call.path = collection;
    call.body = create_request(wanted);
    const auto last = std::make_shared<Attempt>();
    bool unclear = false;
    for (unsigned tries = 1;; ++tries) {
        *last = co_await attempt(caller, call);
        if (last->verdict == Verdict::answered && last->reply.status < 300) {
            CO_TRY(auto source, stored(call, last->reply, wanted));
            co_return Created{std::move(source), false, false};
        }
        const bool conflict = last->verdict == Verdict::answered && says_exists(last->reply);
        if (last->verdict == Verdict::answered && !conflict) {
            auto refused = refusal(call, last->reply);
            co_return unclear ? in_doubt(refused) : refused;
        }
        unclear = unclear || last->verdict == Verdict::unclear;
        const bool again = conflict || co_await wait_for_next_try(caller, call.name(), tries, last);
        if (!again) co_return given_up(*last, unclear);
        if (conflict || unclear) {
            auto found = co_await find_nfs(caller, wanted);
            if (!found) co_return unclear ? in_doubt(found.error()) : not_made(found.error());
            if (*found) co_return adopted(wanted, std::move(**found), unclear);
        }
        if (conflict) {
            auto taken = co_await taken_elsewhere(caller, wanted, refusal(call, last->reply));
            co_return unclear ? in_doubt(taken) : taken;
        }
    }
}

asio::awaitable<Result<ObservedDataSource>> update_nfs(std::shared_ptr<Caller> caller, std::string id,
                                                       NfsDataSource wanted) {
    CO_CHECK(check(wanted));
    CO_TRY(auto call, call_about(Method::put, id));
    call.body = update_request(wanted);
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400) co_return refusal(call, reply);
    co_return stored(call, reply, wanted);
}

asio::awaitable<Result<std::vector<DataSourceUser>>> nfs_users(std::shared_ptr<Caller> caller,
                                                               std::string id) {
    CO_TRY(auto call, call_about(Method::get, id));
    call.query = target("", {{"usageInfo", "true"}});
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400) co_return refusal(call, reply);
    co_return users_in(call.name(), reply.json);
}

asio::awaitable<Result<void>> delete_nfs(std::shared_ptr<Caller> caller, std::string id) {
    CO_TRY(const auto call, call_about(Method::remove, id));
    std::optional<Error> refused;
    // Asked again after a refusal: its status for "in use" is nowhere documented, and users may have come
    // meanwhile.
    for (int asked = 0; asked < 2; ++asked) {
        const auto users = co_await nfs_users(caller, id);
        if (!users && users.error().code == Code::not_found) co_return Result<void>();
        if (!users) co_return users.error();
        if (!users->empty())
            co_return Error{Code::in_use,
                            fmt::format("data source {} is in use by {}", id, to_string(*users)),
                            "stop these workloads and change these templates first"};
        if (refused) break;
        CO_TRY(const auto reply, co_await perform(caller, call));
        if (reply.status < 300 || reply.status == 404) co_return Result<void>();
        refused = refusal(call, reply);
    }
    co_return *refused;
}

asio::awaitable<Result<std::vector<ObservedDataSource>>> list_nfs(std::shared_ptr<Caller> caller) {
    const auto call = list_call("");
    co_return co_await list(std::move(caller), call);
}

}  // namespace stowage::runai
