// Objects of Run:ai: wanted against there and owned.
// Runs in: controller. Distrusts: what was observed.
#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "gateway/base/counted.hpp"
#include "gateway/base/log.hpp"
#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {

namespace {

using Differences = std::vector<runai::Difference>;

/// What is there of an object, as far as it matters here.
struct Found {
    std::string id;
    Differences fields;
    bool can_be_changed = true;
    std::string cannot = {};  ///< why not
};

class Planner {
  public:
    Planner(const WantedSite& wanted, const ObservedSite& observed, const std::vector<OwnedObject>& owned,
            bool adopt);

    std::vector<SiteItem> plan();

  private:
    void node_pools();
    void departments();
    void projects();
    void compute_resources();
    void users();
    void access_rules();
    void judge(ObjectKind kind, std::string key, std::string detail, std::optional<Found> found);
    void judge_found(SiteItem& item, const Found& found) const;
    const OwnedObject* owned(ObjectKind kind, const std::string& key) const;
    const runai::ObservedOrgUnit* department(const std::string& name) const;
    std::string unit_detail(const WantedUnit& unit) const;
    runai::OrgUnit form_of(const WantedUnit& unit, const std::string& parent_id) const;

    const WantedSite& wanted_;
    const ObservedSite& observed_;
    std::map<std::pair<ObjectKind, std::string>, const OwnedObject*> owned_;
    bool adopt_;
    std::vector<SiteItem> items_;
};

Planner::Planner(const WantedSite& wanted, const ObservedSite& observed,
                 const std::vector<OwnedObject>& owned, bool adopt)
    : wanted_(wanted), observed_(observed), adopt_(adopt) {
    for (const auto& one : owned) {
        auto key = with_one_spelling(one.kind, one.key);
        // Where there are two, the one with capitals is the older one.
        const bool newer = key == one.key;
        auto& place = owned_[{one.kind, std::move(key)}];
        if (newer || place == nullptr) place = &one;
    }
}

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

const OwnedObject* Planner::owned(ObjectKind kind, const std::string& key) const {
    const auto found = owned_.find({kind, with_one_spelling(kind, key)});
    return found == owned_.end() ? nullptr : found->second;
}

const runai::ObservedOrgUnit* Planner::department(const std::string& name) const {
    for (const auto& one : observed_.departments)
        if (one.value.name == name) return &one;
    return nullptr;
}

void Planner::judge_found(SiteItem& item, const Found& found) const {
    const auto* ours = owned(item.kind, item.key);
    item.remote_id = found.id;
    item.made = ours != nullptr && ours->made;
    item.was_cut_off = ours != nullptr && ours->remote_id.empty();
    const bool is_ours = ours != nullptr && (ours->remote_id == found.id || item.was_cut_off);
    if (is_ours && !item.was_cut_off && found.fields.empty()) return;
    item.fields = found.fields;
    if (!is_ours && !adopt_) {
        if (found.fields.empty()) {
            item.detail = "it was there, and equal; not ours";
            return;
        }
        item.change = Change::differs;
        item.error = Error{Code::differs,
                           fmt::format("Run:ai has the {} that stowage did not make: {}", item.title(),
                                       runai::to_string(found.fields)),
                           "apply with --adopt to take it over and change it, or make it equal in Run:ai"};
        return;
    }
    if (!found.fields.empty() && !found.can_be_changed) {
        item.change = Change::differs;
        item.error = Error{Code::differs, fmt::format("{}: {}", item.title(), runai::to_string(found.fields)),
                           found.cannot};
        return;
    }
    item.change = is_ours && !item.was_cut_off ? Change::change : Change::adopt;
    item.detail = item.was_cut_off ? "made in a run that was cut off" : is_ours ? "" : "it was there";
}

void Planner::judge(ObjectKind kind, std::string key, std::string detail, std::optional<Found> found) {
    SiteItem item{kind, std::move(key)};
    if (found) {
        judge_found(item, *found);
    } else {
        item.change = Change::create;
        const auto* ours = owned(kind, item.key);
        item.was_cut_off = ours != nullptr && ours->remote_id.empty();
        const bool gone = ours != nullptr && !ours->remote_id.empty();
        item.detail = std::move(detail);
        if (gone) item.detail = "it is gone from Run:ai" + (item.detail.empty() ? "" : "; " + item.detail);
    }
    items_.push_back(std::move(item));
}

void Planner::node_pools() {
    for (const auto& pool : wanted_.node_pools) {
        std::optional<Found> found;
        for (const auto& one : observed_.node_pools)
            if (one.value.name == pool.name)
                found = Found{
                    one.id, runai::differences(pool, one.value), false,
                    "a node pool is not edited: 2.20 breaks its placement (RUN-27837); make another one, "
                    "or change the file"};
        judge(ObjectKind::node_pool, pool.name,
              fmt::format("label {}={}, {}", pool.label_key, pool.label_value, pool.placement), found);
    }
}

std::string Planner::unit_detail(const WantedUnit& unit) const {
    std::vector<std::string> quotas;
    for (const auto& [pool, gpus] : unit.gpus)
        quotas.push_back(fmt::format("{} GPUs of {}", runai::amount_text(gpus), pool));
    return fmt::format("{}; order {}; over quota {}", joined(quotas), joined(unit.order),
                       unit.over_quota ? "on" : "off");
}

/// What the unit is to be when the pools of the file are there: Run:ai gives a new pool to every unit, with
/// over quota on.
runai::OrgUnit Planner::form_of(const WantedUnit& unit, const std::string& parent_id) const {
    auto form = unit_form(unit, observed_, parent_id);
    for (const auto& pool : wanted_.node_pools) {
        const bool told = std::any_of(form.quotas.begin(), form.quotas.end(),
                                      [&](const auto& quota) { return quota.pool_name == pool.name; });
        if (!told) form.quotas.push_back({"", pool.name, 0, 0});
    }
    return form;
}

void Planner::departments() {
    for (const auto& one : wanted_.departments) {
        std::optional<Found> found;
        if (const auto* there = department(one.unit.name)) {
            const auto form = form_of(one.unit, "");
            found = Found{there->id, runai::differences(form, there->value)};
        }
        judge(ObjectKind::department, one.unit.name, unit_detail(one.unit), found);
    }
}

void Planner::projects() {
    for (const auto& one : wanted_.departments) {
        const auto* parent = department(one.unit.name);
        for (const auto& project : one.projects) {
            std::optional<Found> found;
            for (const auto& there : observed_.projects) {
                if (parent == nullptr || there.value.name != project.name ||
                    there.value.parent_id != parent->id)
                    continue;
                const auto form = form_of(project, parent->id);
                found = Found{there.id, runai::differences(form, there.value)};
            }
            judge(ObjectKind::project, project_key(one.unit.name, project.name), unit_detail(project), found);
        }
    }
}

std::string compute_detail(const runai::ComputeResource& resource) {
    std::string text = resource.portion  ? fmt::format("{:g} of a GPU", *resource.portion)
                       : resource.memory ? fmt::format("{} of a GPU's memory", *resource.memory)
                                         : counted(resource.gpus, "GPU");
    return text + (resource.large_shm ? ", large shared memory" : "");
}

void Planner::compute_resources() {
    for (const auto& one : wanted_.compute_resources) {
        std::optional<Found> found;
        for (const auto& there : observed_.compute_resources) {
            if (there.value.name != one.name) continue;
            found = Found{there.id, runai::differences(one, there.value)};
            runai::compare(found->fields, "scope", "tenant", there.scope);
            found->can_be_changed = there.scope == "tenant";
            found->cannot = "a scope cannot be changed: delete the compute resource in Run:ai";
        }
        judge(ObjectKind::compute_resource, one.name, compute_detail(one), found);
    }
}

void Planner::users() {
    for (const auto& member : wanted_.members) {
        const bool known = std::any_of(items_.begin(), items_.end(), [&](const SiteItem& item) {
            return item.kind == ObjectKind::user && item.key == member.email;
        });
        if (known) continue;
        std::optional<Found> found;
        const runai::User* there = nullptr;
        for (const auto& one : observed_.users)
            if (boost::algorithm::iequals(one.email, member.email, std::locale::classic())) there = &one;
        if (there != nullptr) found = Found{there->id, {}};
        judge(ObjectKind::user, member.email, "with a temporary password", found);
        auto& item = items_.back();
        // Nobody knows the password of a user whose making was cut off, so it has to be made once more.
        if (!item.was_cut_off || there == nullptr || item.change != Change::adopt) continue;
        if (there->has_logged_in) continue;
        item.change = Change::create;
        item.detail = "its making was cut off and its password is lost: it is made anew";
    }
}

void Planner::access_rules() {
    for (const auto& member : wanted_.members) {
        const auto* parent = department(member.department);
        const runai::ObservedOrgUnit* project = nullptr;
        for (const auto& one : observed_.projects)
            if (parent != nullptr && one.value.name == member.project && one.value.parent_id == parent->id)
                project = &one;
        for (const auto& name : member.roles) {
            const auto role = std::find_if(observed_.roles.begin(), observed_.roles.end(),
                                           [&](const runai::Role& one) { return one.name == name; });
            const auto key = rule_key(member, name);
            if (role == observed_.roles.end() || !role->enabled) {
                SiteItem item{ObjectKind::access_rule, key, Change::differs};
                item.error = Error{
                    Code::not_found,
                    fmt::format("user {}: Run:ai has no role \"{}\"{}", member.email, log::escaped(name),
                                role == observed_.roles.end() ? "" : " that is switched on"),
                    "write the role's name as Run:ai shows it under Access, Roles"};
                items_.push_back(std::move(item));
                continue;
            }
            std::optional<Found> found;
            for (const auto& rule : observed_.access_rules) {
                const bool hit =
                    project != nullptr && rule.value.role_id == role->id &&
                    rule.value.scope_type == "project" && rule.value.scope_id == project->id &&
                    boost::algorithm::iequals(rule.value.subject, member.email, std::locale::classic());
                if (hit) found = Found{std::to_string(rule.id), {}};
            }
            judge(ObjectKind::access_rule, key, "", found);  // its key says it all
        }
    }
}

std::vector<SiteItem> Planner::plan() {
    node_pools();
    departments();
    projects();
    compute_resources();
    users();
    access_rules();
    return std::move(items_);
}

}  // namespace

runai::OrgUnit unit_form(const WantedUnit& wanted, const ObservedSite& observed,
                         const std::string& parent_id) {
    runai::OrgUnit unit{wanted.name, observed.cluster.uuid, parent_id, {}, wanted.order};
    auto left = wanted.gpus;
    const auto add = [&](const std::string& id, const std::string& pool, double gpus) {
        // Nothing and no over quota blocks a pool for the unit: over quota is for pools that are named.
        const bool over = wanted.over_quota && wanted.gpus.contains(pool);
        unit.quotas.push_back({id, pool, gpus, over ? runai::unlimited : gpus});
    };
    for (const auto& pool : observed.node_pools) {
        const auto asked = left.find(pool.value.name);
        add(pool.id, pool.value.name, asked == left.end() ? 0 : asked->second);
        if (asked != left.end()) left.erase(asked);
    }
    // Pools that are still to be made have no id yet.
    for (const auto& [pool, gpus] : left)
        add("", pool, gpus);
    return unit;
}

std::vector<SiteItem> plan_site_objects(const WantedSite& wanted, const ObservedSite& observed,
                                        const std::vector<OwnedObject>& owned, bool adopt) {
    return Planner(wanted, observed, owned, adopt).plan();
}

}  // namespace stowage::controller
