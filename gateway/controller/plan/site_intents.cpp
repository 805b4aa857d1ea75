// What we were about to make in Run:ai, and what a look at it says of that.
// Runs in: controller. Distrusts: what was observed.
#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <set>

#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {

namespace {

/// Longer than any ingress or control plane keeps a request whose client has gone away: usual limits are one
/// to five minutes.
constexpr std::int64_t longest_request_s = 600;

using Keys = std::set<std::pair<ObjectKind, std::string>>;

/// Run:ai minds no case in addresses. For the rest it costs nothing: what looks alike counts as there.
std::string alike(const std::string& key) {
    return boost::algorithm::to_lower_copy(key, std::locale::classic());
}

Keys keys_there(const ObservedSite& observed) {
    Keys keys;
    const auto add = [&](ObjectKind kind, const std::string& key) { keys.emplace(kind, alike(key)); };
    std::map<std::string, std::string> departments;
    std::map<std::string, std::pair<std::string, std::string>> projects;
    std::map<std::int64_t, std::string> roles;
    for (const auto& one : observed.node_pools)
        add(ObjectKind::node_pool, one.value.name);
    for (const auto& one : observed.departments) {
        add(ObjectKind::department, one.value.name);
        departments[one.id] = one.value.name;
    }
    for (const auto& one : observed.projects) {
        const auto& department = departments[one.value.parent_id];
        add(ObjectKind::project, project_key(department, one.value.name));
        projects[one.id] = {department, one.value.name};
    }
    for (const auto& one : observed.compute_resources)
        add(ObjectKind::compute_resource, one.value.name);
    for (const auto& one : observed.users)
        add(ObjectKind::user, one.email);
    for (const auto& one : observed.roles)
        roles[one.id] = one.name;
    for (const auto& one : observed.access_rules) {
        const auto project = projects.find(one.value.scope_id);
        if (one.value.scope_type != "project" || project == projects.end()) continue;
        const WantedMember member{one.value.subject, project->second.first, project->second.second, {}};
        add(ObjectKind::access_rule, rule_key(member, roles[one.value.role_id]));
    }
    return keys;
}

}  // namespace

std::vector<OwnedObject> intents_come_to_nothing(const ObservedSite& observed,
                                                 const std::vector<OwnedObject>& owned,
                                                 std::int64_t looked_at) {
    std::vector<OwnedObject> old;
    std::copy_if(owned.begin(), owned.end(), std::back_inserter(old), [&](const OwnedObject& one) {
        return one.remote_id.empty() && one.since < looked_at - longest_request_s;
    });
    if (old.empty()) return old;
    const auto there = keys_there(observed);
    std::erase_if(old, [&](const OwnedObject& one) { return there.contains({one.kind, alike(one.key)}); });
    return old;
}

}  // namespace stowage::controller
