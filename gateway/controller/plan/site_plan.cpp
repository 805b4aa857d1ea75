// Objects of Run:ai: wanted against there and owned.
// Runs in: controller. Distrusts: what was observed.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "gateway/base/counted.hpp"
#include "gateway/base/log.hpp"
#include "gateway/controller/plan/site_index.hpp"

namespace stowage::controller {

namespace {

using Differences = std::vector<runai::Difference>;

/// What is there of an object, as far as it matters here.
struct Found {
    std::string id, created_by;
    Differences fields = {};
    bool can_be_changed = true;
    std::string cannot = {};  ///< why not
};

class Planner {
  public:
    Planner(const WantedSite& wanted, const ObservedSite& observed, const std::vector<OwnedObject>& owned,
            bool adopt)
        : wanted_(wanted), observed_(observed), index_(observed, owned), adopt_(adopt) {}

    std::vector<SiteItem> plan();

  private:
    void node_pools();
    void departments();
    void projects();
    void compute_resources();
    void users();
    void access_rules();
    std::string roles_to_write() const;
    void judge(ObjectKind kind, std::string key, std::string detail, std::optional<Found> found);
    void judge_found(SiteItem& item, const Found& found) const;
    std::string unit_detail(const WantedUnit& unit) const;
    runai::OrgUnit form_of(const WantedUnit& unit, const std::string& parent_id) const;

    const WantedSite& wanted_;
    const ObservedSite& observed_;
    SiteIndex index_;
    bool adopt_;
    std::vector<SiteItem> items_;
};

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

void Planner::judge_found(SiteItem& item, const Found& found) const {
    const auto* ours = index_.owned(item.kind, item.key);
    item.remote_id = found.id;
    item.made = ours != nullptr && ours->made;
    item.was_cut_off =
        ours != nullptr && ours->remote_id.empty() && !index_.is_somebody_elses(item.kind, found.created_by);
    const bool is_ours = ours != nullptr && (ours->remote_id == found.id || item.was_cut_off);
    if (is_ours && !item.was_cut_off && found.fields.empty()) return;
    item.fields = found.fields;
    if (!is_ours && !adopt_) {
        if (found.fields.empty()) {
            item.detail = ours != nullptr && ours->remote_id.empty()
                              ? fmt::format("{} made it, and a request of ours got lost; not ours",
                                            log::escaped(found.created_by))
                              : "it was there, and equal; not ours";
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
        const auto* ours = index_.owned(kind, item.key);
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
        if (const auto* there = index_.node_pool(pool.name))
            found = Found{there->id, there->created_by, runai::differences(pool, there->value), false,
                          "a node pool is not edited: 2.20 breaks its placement (RUN-27837); make another "
                          "one, or change the file"};
        judge(ObjectKind::node_pool, pool.name,
              fmt::format("label {}={}, {}", pool.label_key, pool.label_value, pool.placement), found);
    }
}

std::string Planner::unit_detail(const WantedUnit& unit) const {
    std::vector<std::string> quotas;
    for (const auto& [pool, gpus] : unit.gpus)
        quotas.push_back(
            fmt::format("{} {} of {}", runai::amount_text(gpus), gpus == 1 ? "GPU" : "GPUs", pool));
    return fmt::format("{}; order {}; over quota {}", joined(quotas), joined(unit.order),
                       unit.over_quota ? "on" : "off");
}

/// What the unit is to be when the pools of the file are there: Run:ai gives a new pool to every unit, with
/// over quota on.
runai::OrgUnit Planner::form_of(const WantedUnit& unit, const std::string& parent_id) const {
    auto form = unit_form(unit, observed_, parent_id);
    std::set<std::string> told;
    for (const auto& quota : form.quotas)
        told.insert(quota.pool_name);
    for (const auto& pool : wanted_.node_pools)
        if (!told.contains(pool.name)) form.quotas.push_back({"", pool.name, 0, 0});
    return form;
}

void Planner::departments() {
    for (const auto& one : wanted_.departments) {
        std::optional<Found> found;
        if (const auto* there = index_.department(one.unit.name)) {
            const auto form = form_of(one.unit, "");
            found = Found{there->id, there->created_by, runai::differences(form, there->value)};
        }
        judge(ObjectKind::department, one.unit.name, unit_detail(one.unit), found);
    }
}

void Planner::projects() {
    for (const auto& one : wanted_.departments) {
        const auto* parent = index_.department(one.unit.name);
        for (const auto& project : one.projects) {
            std::optional<Found> found;
            const auto* there = parent == nullptr ? nullptr : index_.project(parent->id, project.name);
            if (there != nullptr) {
                const auto form = form_of(project, parent->id);
                found = Found{there->id, there->created_by, runai::differences(form, there->value)};
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
        if (const auto* there = index_.compute_resource(one.name)) {
            found = Found{there->id, there->created_by, runai::differences(one, there->value)};
            runai::compare(found->fields, "scope", "tenant", there->scope);
            found->can_be_changed = there->scope == "tenant";
            found->cannot = "a scope cannot be changed: delete the compute resource in Run:ai";
        }
        judge(ObjectKind::compute_resource, one.name, compute_detail(one), found);
    }
}

void Planner::users() {
    std::set<std::string> known;
    for (const auto& member : wanted_.members) {
        if (!known.insert(member.email).second) continue;
        std::optional<Found> found;
        const auto* there = index_.user(member.email);
        if (there != nullptr) found = Found{there->id, there->created_by};
        judge(ObjectKind::user, member.email, "with a temporary password", found);
        auto& item = items_.back();
        // Nobody knows the password of a user whose making was cut off, so it has to be made once more.
        if (!item.was_cut_off || there == nullptr || item.change != Change::adopt) continue;
        if (there->has_logged_in) {
            // With a password that is not ours, so it may be anybody's: never deleted by us.
            item.was_cut_off = false;
            continue;
        }
        item.change = Change::create;
        item.detail = "its making was cut off and its password is lost: it is made anew";
    }
}

std::string Planner::roles_to_write() const {
    constexpr std::size_t most_roles = 40;
    std::vector<std::string> names;
    for (const auto& role : observed_.roles)
        if (role.enabled && names.size() < most_roles) names.push_back(log::escaped(role.name.substr(0, 80)));
    std::sort(names.begin(), names.end());
    if (names.empty()) return "Run:ai shows the gateway no role at all: see its own role under Access";
    return "write one of: " + joined(names);
}

void Planner::access_rules() {
    for (const auto& member : wanted_.members) {
        const auto* parent = index_.department(member.department);
        const auto* project = parent == nullptr ? nullptr : index_.project(parent->id, member.project);
        for (const auto& name : member.roles) {
            const auto* role = index_.role(name);
            const auto key = rule_key(member, name);
            if (role == nullptr || !role->enabled) {
                SiteItem item{ObjectKind::access_rule, key, Change::differs};
                item.error =
                    Error{Code::not_found,
                          fmt::format("user {}: Run:ai has no role \"{}\"{}", member.email,
                                      log::escaped(name), role == nullptr ? "" : " that is switched on"),
                          roles_to_write()};
                items_.push_back(std::move(item));
                continue;
            }
            std::optional<Found> found;
            const auto* rule =
                project == nullptr ? nullptr : index_.access_rule(member.email, role->id, project->id);
            if (rule != nullptr) found = Found{std::to_string(rule->id), rule->created_by};
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
