// Order, journal and dependencies of a site's items.
// Runs in: controller. Distrusts: Run:ai.
#include "gateway/controller/site/site_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"
#include "gateway/controller/site/observe.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

constexpr ObjectKind order[] = {ObjectKind::node_pool, ObjectKind::department,
                                ObjectKind::project,   ObjectKind::compute_resource,
                                ObjectKind::user,      ObjectKind::access_rule};

/// A database that is lost ends the process, wherever it was noticed.
void pass_on(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

std::vector<SiteItem> of_kind(const std::vector<SiteItem>& items, ObjectKind kind) {
    std::vector<SiteItem> some;
    std::copy_if(items.begin(), items.end(), std::back_inserter(some),
                 [&](const SiteItem& item) { return item.kind == kind; });
    return some;
}

}  // namespace

bool says_not_made(const Error& error) {
    switch (error.code) {
        case Code::timeout:
        case Code::protocol:
        case Code::cancelled:
        case Code::io:
        case Code::no_space:
            return false;
        default:
            return true;
    }
}

struct SiteRunner::Phase {
    explicit Phase(const asio::any_io_executor& executor)
        : all_done(executor, asio::steady_timer::time_point::max()) {}
    std::vector<SiteItem> items;
    std::size_t next = 0;
    unsigned workers = 0;
    asio::steady_timer all_done;
};

void SiteRunner::fail(const SiteItem& item, const Error& error, ItemState state, std::int64_t ms) {
    failed_.emplace(item.kind, item.key);
    outcome_.failures.push_back({item, error});
    tools_.report(item, state, ms, error);
}

bool SiteRunner::has_failed(ObjectKind kind, const std::string& key) const {
    return failed_.contains({kind, key});
}

const WantedMember& SiteRunner::member_of(const SiteItem& item) const {
    const auto member = members_.find(item.key);
    if (member == members_.end()) throw Fatal({Code::internal, "an access rule of nobody: " + item.key});
    return *member->second;
}

std::optional<Error> SiteRunner::blocked(const SiteItem& item) const {
    // What goes depends on nothing, and the file does not name it any more.
    if (item.change == Change::remove) return std::nullopt;
    const auto because = [&](ObjectKind kind, const std::string& key) {
        return Error{Code::cancelled,
                     fmt::format("{}: not begun, since {} {} failed", item.title(), to_string(kind), key),
                     "set that right and apply again"};
    };
    const auto unit_blocked = [&](const WantedUnit& unit) -> std::optional<Error> {
        for (const auto& [pool, gpus] : unit.gpus)
            if (has_failed(ObjectKind::node_pool, pool)) return because(ObjectKind::node_pool, pool);
        return std::nullopt;
    };
    for (const auto& department : wanted_.departments) {
        const auto& name = department.unit.name;
        if (item.kind == ObjectKind::department && item.key == name) return unit_blocked(department.unit);
        for (const auto& project : department.projects) {
            if (item.kind != ObjectKind::project || item.key != project_key(name, project.name)) continue;
            // It may be there although it could not be changed.
            if (!department_ids_.contains(name)) return because(ObjectKind::department, name);
            return unit_blocked(project);
        }
    }
    if (item.kind != ObjectKind::access_rule) return std::nullopt;
    const auto& member = member_of(item);
    if (has_failed(ObjectKind::user, member.email)) return because(ObjectKind::user, member.email);
    const auto project = project_key(member.department, member.project);
    if (!project_ids_.contains(project)) return because(ObjectKind::project, project);
    return std::nullopt;
}

asio::awaitable<Result<OwnedObject>> SiteRunner::perform(SiteItem item) {
    Result<std::string> id{std::string()};
    switch (item.kind) {
        case ObjectKind::node_pool:
            id = co_await make_node_pool(item);
            break;
        case ObjectKind::department:
            id = co_await settle_department(item);
            break;
        case ObjectKind::project:
            id = co_await settle_project(item);
            break;
        case ObjectKind::compute_resource:
            id = co_await settle_compute_resource(item);
            break;
        case ObjectKind::user:
            id = co_await make_user(item);
            break;
        case ObjectKind::access_rule:
            id = co_await make_access_rule(item);
            break;
    }
    if (!id) co_return id.error();
    // What was adopted stays somebody else's, however often we change it.
    const bool made =
        item.change == Change::create || item.was_cut_off || (item.change == Change::change && item.made);
    co_return OwnedObject{item.kind, item.key, std::move(*id), made};
}

asio::awaitable<void> SiteRunner::run_one(SiteItem item) {
    if (item.error) {
        fail(item, *item.error, ItemState::failed, 0);
        co_return;
    }
    if (item.change == Change::unchanged) {
        ++outcome_.unchanged;
        co_return;
    }
    auto hindrance = blocked(item);
    if (!hindrance && tools_.stopping())
        hindrance = Error{Code::cancelled, item.title() + ": not begun: the gateway is stopping"};
    if (hindrance) {
        fail(item, *hindrance, ItemState::skipped, 0);
        co_return;
    }
    tools_.report(item, ItemState::start, 0, std::nullopt);
    const auto since = std::chrono::steady_clock::now();
    const auto spent = [&] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since)
            .count();
    };
    const OwnedObject intent{item.kind, item.key, item.change == Change::create ? "" : item.remote_id, true};
    const auto step = fmt::format("{} {}", to_string(item.change), item.title());
    const auto journal = tools_.state.begin_object(intent, step);
    if (!journal) {
        fail(item, journal.error(), ItemState::failed, spent());
        co_return;
    }
    if (item.change == Change::remove) {
        auto removed = co_await remove(item);
        auto noted = removed ? tools_.state.end_object(*journal, intent, true)
                             : tools_.state.fail_object(*journal, intent, removed.error(), false);
        if (removed && !noted) removed = noted;
        if (!removed) {
            fail(item, removed.error(), ItemState::failed, spent());
            co_return;
        }
    } else {
        auto owned = co_await perform(item);
        Result<void> settled;
        if (owned) {
            settled = tools_.state.end_object(*journal, *owned);
            if (settled) settled = co_await follow_up(item, owned->remote_id);
        } else {
            settled = owned.error();
            // What an earlier run was about to make stays written down until it is known.
            const bool not_made =
                item.change == Change::create && !item.was_cut_off && says_not_made(owned.error());
            auto noted = tools_.state.fail_object(*journal, intent, owned.error(), not_made);
            if (!noted) log::error("journal_refused", {{"why", noted.error().text()}});
        }
        if (!settled) {
            fail(item, settled.error(), ItemState::failed, spent());
            co_return;
        }
    }
    ++outcome_.done;
    tools_.report(item, ItemState::done, spent(), std::nullopt);
}

asio::awaitable<void> SiteRunner::work(std::shared_ptr<Phase> phase) {
    while (phase->next < phase->items.size()) {
        auto item = std::move(phase->items[phase->next++]);
        co_await run_one(std::move(item));
    }
    if (--phase->workers == 0) phase->all_done.cancel();
}

asio::awaitable<void> SiteRunner::run_phase(ObjectKind kind, std::vector<SiteItem> items) {
    const auto phase = std::make_shared<Phase>(tools_.executor);
    phase->items = std::move(items);
    // Pools change every unit, so one after the other.
    const auto most = kind == ObjectKind::node_pool ? 1U : std::max(tools_.parallel, 1U);
    phase->workers = static_cast<unsigned>(std::min<std::size_t>(most, phase->items.size()));
    const auto workers = phase->workers;
    for (unsigned i = 0; i < workers; ++i)
        asio::co_spawn(tools_.executor, work(phase), pass_on);
    boost::system::error_code ignored;
    // Bounded: every call of the client ends within its tries.
    while (phase->workers > 0)
        co_await phase->all_done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Result<void> SiteRunner::choose_projects() {
    for (auto& member : wanted_.members) {
        if (!wanted_.people_only) continue;
        std::vector<std::string> names;
        for (const auto& [key, id] : project_ids_)
            if (key.rfind(member.department + '/', 0) == 0)
                names.push_back(key.substr(member.department.size() + 1));
        const auto usual = member.department + "-default-project";
        const auto has = [&](const std::string& name) {
            return std::find(names.begin(), names.end(), name) != names.end();
        };
        if (member.project.empty() && (has(usual) || names.size() == 1))
            member.project = has(usual) ? usual : names.front();
        if (!member.project.empty() && has(member.project)) continue;
        return Error{Code::not_found,
                     fmt::format("Run:ai has {} in department {}",
                                 member.project.empty() ? "no single project"
                                                        : "no project " + log::escaped(member.project),
                                 log::escaped(member.department)),
                     names.empty()
                         ? "make it: give the lab `gpus` in the site file and apply it; an account for FTPS "
                           "alone: `stowage user add --ftps-only`"
                         : fmt::format("give --project one of: {}", fmt::join(names, ", "))};
    }
    return {};
}

namespace {

/// Of people alone: before an account is made for what it could not be given.
Result<void> check_roles(const WantedSite& wanted, const ObservedSite& observed) {
    if (!wanted.people_only) return {};
    std::vector<std::string_view> known;
    for (const auto& role : observed.roles)
        if (role.enabled) known.push_back(role.name);
    for (const auto& member : wanted.members)
        for (const auto& role : member.roles)
            if (std::find(known.begin(), known.end(), role) == known.end())
                return Error{
                    Code::not_found,
                    fmt::format("Run:ai has no role \"{}\" that is switched on", log::escaped(role)),
                    fmt::format("give one of: {}", log::escaped(fmt::format("{}", fmt::join(known, ", "))))};
    return {};
}

}  // namespace

asio::awaitable<Result<SiteOutcome>> SiteRunner::apply(bool adopt) {
    CO_CHECK(check(wanted_));
    const auto looked_at = tools_.now();
    CO_TRY(observed_, co_await observe_site(tools_.client));
    CO_CHECK(settle_intents(tools_.state, observed_, looked_at));
    for (const auto& one : observed_.departments)
        department_ids_[one.value.name] = one.id;
    for (const auto& one : observed_.projects)
        for (const auto& [name, id] : department_ids_)
            if (id == one.value.parent_id) project_ids_[project_key(name, one.value.name)] = one.id;
    CO_CHECK(choose_projects());
    CO_CHECK(check_roles(wanted_, observed_));
    for (const auto& member : wanted_.members)
        for (const auto& role : member.roles)
            members_.emplace(rule_key(member, role), &member);
    outcome_.warnings = site_warnings(wanted_, observed_);
    const auto owned = tools_.state.objects();
    const auto items = plan_site_objects(wanted_, observed_, owned, adopt);
    for (const auto kind : order) {
        auto some = of_kind(items, kind);
        co_await run_phase(kind, std::move(some));
    }
    co_return std::move(outcome_);
}

asio::awaitable<Result<SiteOutcome>> SiteRunner::prune(std::set<std::string> confirmed) {
    CO_TRY(observed_, co_await observe_site(tools_.client));
    const auto owned = tools_.state.objects();
    auto items = plan_prune(wanted_, observed_, owned);
    std::erase_if(items, [&](const SiteItem& item) { return !confirmed.contains(item.title()); });
    for (auto& item : items)
        co_await run_one(std::move(item));
    co_return std::move(outcome_);
}

}  // namespace stowage::controller
