// What we made in Run:ai and nobody asks for any more.
// Runs in: controller. Distrusts: what was observed.
#include <set>

#include "gateway/controller/plan/site_left.hpp"

namespace stowage::controller {

namespace {

using Key = std::pair<ObjectKind, std::string>;

std::set<Key> wanted_keys(const WantedSite& wanted) {
    std::set<Key> keys;
    for (const auto& one : wanted.compute_resources)
        keys.emplace(ObjectKind::compute_resource, one.name);
    for (const auto& member : wanted.members) {
        keys.emplace(ObjectKind::user, one_spelling(member.email));
        for (const auto& role : member.roles)
            keys.emplace(ObjectKind::access_rule,
                         with_one_spelling(ObjectKind::access_rule, rule_key(member, role)));
    }
    return keys;
}

/// By kind and id.
std::set<Key> all_there(const ObservedSite& observed) {
    std::set<Key> ids;
    for (const auto& one : observed.compute_resources)
        ids.emplace(ObjectKind::compute_resource, one.id);
    for (const auto& one : observed.users)
        ids.emplace(ObjectKind::user, one.id);
    for (const auto& one : observed.access_rules)
        ids.emplace(ObjectKind::access_rule, std::to_string(one.id));
    return ids;
}

}  // namespace

std::vector<SiteItem> plan_prune(const WantedSite& wanted, const ObservedSite& observed,
                                 const std::vector<OwnedObject>& owned) {
    const auto keys = wanted_keys(wanted);
    const auto there = all_there(observed);
    std::vector<SiteItem> items;
    // Rules before their users. Units and node pools are not deleted: with a unit go all its assets and
    // workloads, whosever they are.
    for (const auto kind : {ObjectKind::access_rule, ObjectKind::user, ObjectKind::compute_resource})
        for (const auto& one : owned) {
            if (one.kind != kind || !one.made || one.remote_id.empty()) continue;
            if (keys.contains({one.kind, with_one_spelling(one.kind, one.key)}) ||
                !there.contains({one.kind, one.remote_id}))
                continue;
            SiteItem item{one.kind, one.key, Change::remove};
            item.remote_id = one.remote_id;
            items.push_back(std::move(item));
        }
    return items;
}

std::vector<std::string> left_to_others(const WantedSite& wanted, const ObservedSite& observed,
                                        const std::vector<OwnedObject>& owned) {
    std::set<Key> keys, there;
    for (const auto& pool : wanted.node_pools)
        keys.emplace(ObjectKind::node_pool, pool.name);
    for (const auto& department : wanted.departments) {
        keys.emplace(ObjectKind::department, department.unit.name);
        for (const auto& project : department.projects)
            keys.emplace(ObjectKind::project, project_key(department.unit.name, project.name));
    }
    for (const auto& pool : observed.node_pools)
        there.emplace(ObjectKind::node_pool, pool.id);
    for (const auto& unit : observed.departments)
        there.emplace(ObjectKind::department, unit.id);
    for (const auto& unit : observed.projects)
        there.emplace(ObjectKind::project, unit.id);
    std::vector<std::string> titles;
    for (const auto& one : owned)
        if (one.made && there.contains({one.kind, one.remote_id}) && !keys.contains({one.kind, one.key}))
            titles.push_back(SiteItem{one.kind, one.key}.title());
    return titles;
}

}  // namespace stowage::controller
