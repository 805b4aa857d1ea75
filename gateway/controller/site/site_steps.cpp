// What is done in Run:ai for one item.
// Runs in: controller. Distrusts: Run:ai.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/log.hpp"
#include "gateway/controller/plan/site_index.hpp"
#include "gateway/controller/site/site_runner.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

template <typename T, typename Name>
const T& named(const std::vector<T>& all, const std::string& key, Name name_of) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const T& one) { return name_of(one) == key; });
    if (found == all.end()) throw Fatal({Code::internal, "nothing wanted is named " + key});
    return *found;
}

/// Somebody else made it between our look and our request.
template <typename T>
bool is_strange(const runai::Made<T>& made, const SiteItem& item) {
    return made.was_there && !made.after_lost_answer && !item.was_cut_off;
}

Error came_between(const SiteItem& item) {
    return {Code::exists, fmt::format("{}: somebody made it in the meantime", item.title()),
            "see `stowage plan` again"};
}

/// It was made, and something behind that failed: the intent stays, so that the next run knows it as ours.
Error half_done(Error error) {
    error.code = Code::io;
    return error;
}

}  // namespace

asio::awaitable<Result<std::string>> SiteRunner::make_node_pool(SiteItem item) {
    if (item.change == Change::adopt) co_return item.remote_id;
    auto wanted = named(wanted_.node_pools, item.key, [](const auto& one) { return one.name; });
    CO_TRY(auto made, co_await tools_.client.create_node_pool(observed_.cluster.uuid, wanted));
    if (is_strange(made, item)) co_return came_between(item);
    observed_.node_pools.push_back(made.value);
    co_return made.value.id;
}

asio::awaitable<Result<std::string>> SiteRunner::settle_unit(SiteItem item, runai::UnitKind kind,
                                                             WantedUnit wanted, std::string parent_id) {
    auto form = unit_form(wanted, observed_, parent_id);
    // A pool that neither Run:ai nor this run has.
    for (const auto& quota : form.quotas)
        if (quota.pool_id.empty())
            co_return Error{Code::not_found,
                            fmt::format("{}: Run:ai has no node pool {}", item.title(), quota.pool_name),
                            "name it under node_pools, or correct it"};
    auto id = item.remote_id;
    bool is_right = item.change == Change::adopt && item.fields.empty();
    if (item.change == Change::create) {
        CO_TRY(auto made, co_await tools_.client.create_org_unit(kind, form));
        if (is_strange(made, item)) co_return came_between(item);
        id = made.value.id;
        is_right = runai::differences(form, made.value.value).empty();
    }
    if (!is_right) {
        auto updated = co_await tools_.client.update_org_unit(kind, id, form);
        if (!updated) co_return item.change == Change::create ? half_done(updated.error()) : updated.error();
    }
    co_return id;
}

asio::awaitable<Result<std::string>> SiteRunner::settle_department(SiteItem item) {
    auto wanted = named(wanted_.departments, item.key, [](const auto& one) { return one.unit.name; }).unit;
    CO_TRY(auto id, co_await settle_unit(item, runai::UnitKind::department, wanted, ""));
    department_ids_[item.key] = id;
    co_return id;
}

asio::awaitable<Result<std::string>> SiteRunner::settle_project(SiteItem item) {
    for (const auto& department : wanted_.departments)
        for (const auto& project : department.projects) {
            if (project_key(department.unit.name, project.name) != item.key) continue;
            auto parent = department_ids_.at(department.unit.name);
            CO_TRY(auto id, co_await settle_unit(item, runai::UnitKind::project, project, std::move(parent)));
            project_ids_[item.key] = id;
            co_return id;
        }
    throw Fatal({Code::internal, "no project is named " + item.key});
}

asio::awaitable<Result<void>> SiteRunner::follow_up(SiteItem item, std::string remote_id) {
    if (item.kind != ObjectKind::project || item.change != Change::create) co_return Result<void>();
    const auto ready = co_await tools_.client.ready_project(std::move(remote_id));
    if (!ready) co_return ready.error();
    co_return Result<void>();
}

asio::awaitable<Result<std::string>> SiteRunner::settle_compute_resource(SiteItem item) {
    if (item.change == Change::adopt && item.fields.empty()) co_return item.remote_id;
    auto wanted = named(wanted_.compute_resources, item.key, [](const auto& one) { return one.name; });
    if (item.change != Change::create) {
        CO_CHECK(co_await tools_.client.update_compute_resource(item.remote_id, wanted));
        co_return item.remote_id;
    }
    CO_TRY(auto made, co_await tools_.client.create_compute_resource(wanted));
    if (is_strange(made, item)) co_return came_between(item);
    const auto differing = runai::differences(wanted, made.value.value);
    if (!differing.empty())
        co_return Error{Code::protocol,
                        fmt::format("{}: what was stored is not what was sent: {}", item.title(),
                                    runai::to_string(differing)),
                        "look at it in Run:ai"};
    co_return made.value.id;
}

asio::awaitable<Result<runai::NewUser>> SiteRunner::make_user_anew(SiteItem item, runai::User lost) {
    log::info("runai_user_made_anew", {{"user", item.key}});
    auto id = std::move(lost.id);
    auto deleted = co_await tools_.client.delete_user(std::move(id));
    if (!deleted) co_return half_done(deleted.error());
    auto email = item.key;
    auto made = co_await tools_.client.create_user(std::move(email));
    if (!made) co_return half_done(made.error());
    if (made->was_there)
        co_return Error{Code::timeout, fmt::format("{}: its temporary password got lost", item.title()),
                        "apply again: it is then made anew"};
    co_return std::move(made->value);
}

/// Who has it deleted takes away a password that somebody may use, and the rights beside it.
bool SiteRunner::is_somebody_elses(const runai::User& user) const {
    const auto owned = tools_.state.objects();
    return user.has_logged_in ||
           SiteIndex(observed_, owned).is_somebody_elses(ObjectKind::user, user.created_by);
}

asio::awaitable<Result<std::string>> SiteRunner::make_user(SiteItem item) {
    if (item.change == Change::adopt) co_return item.remote_id;
    auto email = item.key;
    Result<runai::NewUser> user{Error{}};
    if (!item.remote_id.empty()) {
        // An earlier run made it and its password was lost on the way: nobody can have used it.
        runai::User lost{item.remote_id, email, false};
        user = co_await make_user_anew(item, std::move(lost));
    } else {
        CO_TRY(auto made, co_await tools_.client.create_user(email));
        if (is_strange(made, item) || (made.was_there && is_somebody_elses(made.value.user)))
            co_return came_between(item);
        if (made.was_there)
            user = co_await make_user_anew(item, std::move(made.value.user));
        else
            user = std::move(made.value);
    }
    if (!user) co_return user.error();
    SealedSecret secret{"Run:ai", email, "", email, std::move(user->password)};
    for (const auto& member : wanted_.members)
        if (member.email == item.key) secret.lab = member.department;
    auto sealed = tools_.secrets.put(secret);
    if (!sealed) co_return half_done(sealed.error());
    co_return user->user.id;
}

asio::awaitable<Result<std::string>> SiteRunner::make_access_rule(SiteItem item) {
    if (item.change == Change::adopt) co_return item.remote_id;
    const auto& member = member_of(item);
    runai::AccessRule rule{member.email, 0, "project",
                           project_ids_.at(project_key(member.department, member.project))};
    for (const auto& role : observed_.roles)
        if (rule_key(member, role.name) == item.key) rule.role_id = role.id;
    CO_TRY(auto made, co_await tools_.client.create_access_rule(rule));
    co_return std::to_string(made.value.id);
}

asio::awaitable<Result<void>> SiteRunner::remove(SiteItem item) {
    switch (item.kind) {
        case ObjectKind::access_rule:
            co_return co_await tools_.client.delete_access_rule(std::stoll(item.remote_id));
        case ObjectKind::user:
            co_return co_await tools_.client.delete_user(item.remote_id);
        case ObjectKind::compute_resource:
            co_return co_await tools_.client.delete_compute_resource(item.remote_id);
        default:
            co_return Error{Code::unsupported, item.title() + " is not deleted by stowage",
                            "delete it in Run:ai: with it go its assets and workloads"};
    }
}

}  // namespace stowage::controller
