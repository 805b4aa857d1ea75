// What we made in Run:ai and nobody asks for any more.
// Runs in: controller. Distrusts: what was observed.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "gateway/controller/plan/site.hpp"

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

template <typename T, typename Id>
bool has_id(const std::vector<T>& all, const std::string& id, Id id_of) {
    return std::any_of(all.begin(), all.end(), [&](const T& one) { return id_of(one) == id; });
}

bool is_there(const ObservedSite& observed, const OwnedObject& owned) {
    switch (owned.kind) {
        case ObjectKind::compute_resource:
            return has_id(observed.compute_resources, owned.remote_id,
                          [](const auto& one) { return one.id; });
        case ObjectKind::user:
            return has_id(observed.users, owned.remote_id, [](const auto& one) { return one.id; });
        case ObjectKind::access_rule:
            return has_id(observed.access_rules, owned.remote_id,
                          [](const auto& one) { return std::to_string(one.id); });
        default:
            return false;
    }
}

}  // namespace

std::vector<SiteItem> plan_prune(const WantedSite& wanted, const ObservedSite& observed,
                                 const std::vector<OwnedObject>& owned) {
    const auto keys = wanted_keys(wanted);
    std::vector<SiteItem> items;
    // Rules before their users. Units and node pools are not deleted: with a unit go all its assets and
    // workloads, whosever they are.
    for (const auto kind : {ObjectKind::access_rule, ObjectKind::user, ObjectKind::compute_resource})
        for (const auto& one : owned) {
            if (one.kind != kind || !one.made || one.remote_id.empty()) continue;
            if (keys.contains({one.kind, with_one_spelling(one.kind, one.key)}) || !is_there(observed, one))
                continue;
            SiteItem item{one.kind, one.key, Change::remove};
            item.remote_id = one.remote_id;
            items.push_back(std::move(item));
        }
    return items;
}

}  // namespace stowage::controller
