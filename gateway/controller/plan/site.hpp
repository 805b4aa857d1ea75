// What a site file wants of Run:ai, what is there, and what lies between: values, and one pure function.
// Runs in: controller. Distrusts: what was observed in Run:ai.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/controller/plan/step.hpp"
#include "gateway/controller/state/records.hpp"
#include "provisioning/runai/client.hpp"
#include "provisioning/runai/version.hpp"

namespace stowage::controller {

/// The quota of a department or project: what is not named of the cluster's pools is explicitly nothing.
struct WantedUnit {
    std::string name;
    std::map<std::string, double> gpus;  ///< by node pool; runai::unlimited
    bool over_quota = false;
    std::vector<std::string> order;  ///< of node pools, never empty
};

struct WantedDepartment {
    WantedUnit unit;
    std::vector<WantedUnit> projects;
};

/// A person: a user of Run:ai with these roles in one project.
struct WantedMember {
    std::string email, department, project;
    std::vector<std::string> roles;
};

/// The Run:ai part of a site file with every default in its place.
struct WantedSite {
    std::string url, cluster;  ///< empty: whatever the gateway is configured for
    std::vector<runai::NodePool> node_pools;
    std::vector<WantedDepartment> departments;
    std::vector<WantedMember> members;
    std::vector<runai::ComputeResource> compute_resources;
    bool people_only = false;  ///< members may be of projects that are there and not named here

    bool empty() const {
        return node_pools.empty() && departments.empty() && members.empty() && compute_resources.empty();
    }
};

/// Everything of one cluster and its tenant that a site file could speak of.
struct ObservedSite {
    runai::Cluster cluster;
    std::vector<runai::ObservedNodePool> node_pools;
    std::vector<runai::ObservedOrgUnit> departments, projects;
    std::vector<runai::Role> roles;
    std::vector<runai::ObservedAccessRule> access_rules;
    std::vector<runai::User> users;
    std::vector<runai::ObservedComputeResource> compute_resources;
};

/// One object: what becomes of it.
struct SiteItem {
    ObjectKind kind{};
    std::string key;  ///< as OwnedObject has it
    Change change = Change::unchanged;
    std::string detail = {};                     ///< what it will be, or why it is as it is
    std::vector<runai::Difference> fields = {};  ///< of change, differs, and adopt with a change after it
    std::string remote_id = {};                  ///< of what is there
    std::optional<Error> error = {};             ///< why it cannot be done; such an item is never performed
    bool was_cut_off = false;                    ///< an earlier run of ours was about to make it
    bool made = false;                           ///< what is there was made by us, not adopted

    std::string title() const;
};

/// Keys of objects, as SiteItem and OwnedObject have them.
std::string project_key(const std::string& department, const std::string& project);
std::string rule_key(const WantedMember& member, const std::string& role);
/// Run:ai does not tell capitals apart in addresses, so we have one spelling of each.
std::string one_spelling(std::string email);
/// A key to compare with: rows of old may have addresses as they were typed.
std::string with_one_spelling(ObjectKind kind, std::string key);

/// One item for each object that is wanted, `unchanged` ones included, in the order in which they need each
/// other. @param adopt what is there and not ours may be taken over, and then changed
std::vector<SiteItem> plan_site_objects(const WantedSite& wanted, const ObservedSite& observed,
                                        const std::vector<OwnedObject>& owned, bool adopt);

/// Those that were about to be made, and were not: `observed`, a look at everything that began at
/// `looked_at`, does not show them, and their last request was sent so long before that it is under way no
/// more. Until then an intent stays, for its request may have arrived; after that it would make ours what
/// somebody else makes.
std::vector<OwnedObject> intents_come_to_nothing(const ObservedSite& observed,
                                                 const std::vector<OwnedObject>& owned,
                                                 std::int64_t looked_at);

/// What we made and the site does not name any more, in the order in which it can go. Departments and
/// projects with anything in them that is not ours, and whatever was adopted, come with an error.
std::vector<SiteItem> plan_prune(const WantedSite& wanted, const ObservedSite& observed,
                                 const std::vector<OwnedObject>& owned);

/// What is doubtful about a site on this cluster, one sentence each.
std::vector<std::string> site_warnings(const WantedSite& wanted, const ObservedSite& observed);

/// The unit as it should be: each pool that is there, with nothing where nothing is said.
runai::OrgUnit unit_form(const WantedUnit& wanted, const ObservedSite& observed,
                         const std::string& parent_id);

/// Code::invalid naming the object and the field: names, references, duplicates, quotas.
Result<void> check(const WantedSite& wanted);

}  // namespace stowage::controller
