// What there is of a site, by what a plan asks for.
// Runs in: controller. Distrusts: what was observed.
#include "gateway/controller/plan/site_index.hpp"

namespace stowage::controller {

namespace {

template <typename Map, typename Key>
typename Map::mapped_type found_in(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : found->second;
}

}  // namespace

template <typename T, typename IdOf>
void SiteIndex::note_makers(ObjectKind kind, const std::vector<T>& all, IdOf id_of) {
    for (const T& one : all)
        if (!one.created_by.empty() && made_.contains({kind, id_of(one)})) {
            makers_[kind].insert(one.created_by);
            all_makers_.insert(one.created_by);
        }
}

SiteIndex::SiteIndex(const ObservedSite& observed, const std::vector<OwnedObject>& owned) {
    for (const auto& one : owned) {
        auto key = with_one_spelling(one.kind, one.key);
        // Where there are two, the one with capitals is the older one.
        const bool newer = key == one.key;
        auto& place = owned_[{one.kind, std::move(key)}];
        if (newer || place == nullptr) place = &one;
        if (one.made && !one.remote_id.empty()) made_.emplace(one.kind, one.remote_id);
    }
    for (const auto& one : observed.node_pools)
        node_pools_.insert_or_assign(one.value.name, &one);
    for (const auto& one : observed.departments)
        departments_.emplace(one.value.name, &one);
    for (const auto& one : observed.projects)
        projects_.insert_or_assign(std::pair(one.value.parent_id, one.value.name), &one);
    for (const auto& one : observed.compute_resources)
        compute_resources_.insert_or_assign(one.value.name, &one);
    for (const auto& one : observed.users)
        users_.insert_or_assign(one_spelling(one.email), &one);
    for (const auto& one : observed.roles)
        roles_.emplace(one.name, &one);
    for (const auto& one : observed.access_rules)
        if (one.value.scope_type == "project")
            rules_.insert_or_assign(
                std::tuple(one_spelling(one.value.subject), one.value.role_id, one.value.scope_id), &one);
    const auto id_of = [](const auto& one) { return one.id; };
    note_makers(ObjectKind::node_pool, observed.node_pools, id_of);
    note_makers(ObjectKind::department, observed.departments, id_of);
    note_makers(ObjectKind::project, observed.projects, id_of);
    note_makers(ObjectKind::compute_resource, observed.compute_resources, id_of);
    note_makers(ObjectKind::user, observed.users, id_of);
    note_makers(ObjectKind::access_rule, observed.access_rules,
                [](const auto& one) { return std::to_string(one.id); });
}

const OwnedObject* SiteIndex::owned(ObjectKind kind, const std::string& key) const {
    return found_in(owned_, std::pair(kind, with_one_spelling(kind, key)));
}

const runai::ObservedNodePool* SiteIndex::node_pool(const std::string& name) const {
    return found_in(node_pools_, name);
}

const runai::ObservedOrgUnit* SiteIndex::department(const std::string& name) const {
    return found_in(departments_, name);
}

const runai::ObservedOrgUnit* SiteIndex::project(const std::string& department_id,
                                                 const std::string& name) const {
    return found_in(projects_, std::pair(department_id, name));
}

const runai::ObservedComputeResource* SiteIndex::compute_resource(const std::string& name) const {
    return found_in(compute_resources_, name);
}

const runai::User* SiteIndex::user(const std::string& email) const {
    return found_in(users_, one_spelling(email));
}

const runai::Role* SiteIndex::role(const std::string& name) const {
    return found_in(roles_, name);
}

const runai::ObservedAccessRule* SiteIndex::access_rule(const std::string& email, std::int64_t role_id,
                                                        const std::string& project_id) const {
    return found_in(rules_, std::tuple(one_spelling(email), role_id, project_id));
}

bool SiteIndex::is_somebody_elses(ObjectKind kind, const std::string& created_by) const {
    const auto of_kind = makers_.find(kind);
    const auto& makers = of_kind == makers_.end() ? all_makers_ : of_kind->second;
    return !created_by.empty() && !makers.empty() && !makers.contains(created_by);
}

}  // namespace stowage::controller
