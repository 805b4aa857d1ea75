// What is wrong in Run:ai although nothing says so.
// Runs in: controller. Distrusts: what was observed.
#include "gateway/controller/plan/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "gateway/base/log.hpp"

namespace stowage::controller {

namespace {

using Severity = Finding::Severity;

constexpr const char* apply_again = "stowage doctor --fix, or stowage apply with the site file";

class Diagnosis {
  public:
    explicit Diagnosis(const Examined& examined) : examined_(examined), site_(examined.site) {}

    std::vector<Finding> findings() {
        departments_off();
        cluster();
        versions();
        clocks();
        for (const auto& pool : site_.node_pools)
            node_pool(pool);
        for (const auto& unit : site_.departments)
            over_quota(ObjectKind::department, unit);
        for (const auto& unit : site_.projects) {
            over_quota(ObjectKind::project, unit);
            order(unit);
        }
        over_subscribed();
        read_only();
        std::stable_sort(found_.begin(), found_.end(),
                         [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
        return std::move(found_);
    }

  private:
    void add(Severity severity, std::string check, std::string what, std::string why, std::string fix,
             bool is_ours = false) {
        found_.push_back(
            {severity, std::move(check), std::move(what), std::move(why), std::move(fix), is_ours});
    }

    bool is_ours(ObjectKind kind, const std::string& id) const {
        return std::any_of(examined_.owned.begin(), examined_.owned.end(),
                           [&](const OwnedObject& one) { return one.kind == kind && one.remote_id == id; });
    }

    const runai::ObservedNodePool* pool_named(const std::string& name) const {
        for (const auto& pool : site_.node_pools)
            if (pool.value.name == name) return &pool;
        return nullptr;
    }

    const runai::ObservedOrgUnit* parent_of(const runai::ObservedOrgUnit& project) const {
        for (const auto& department : site_.departments)
            if (department.id == project.value.parent_id) return &department;
        return nullptr;
    }

    static bool has_gpus(const runai::ObservedOrgUnit& unit, const std::string& pool_id) {
        for (const auto& quota : unit.value.quotas)
            if (quota.pool_id == pool_id) return quota.deserved != 0 || quota.limit != 0;
        return true;  // with over quota on, as pools that are not spoken of are
    }

    void departments_off();
    void cluster();
    void versions();
    void clocks();
    void node_pool(const runai::ObservedNodePool& pool);
    void over_quota(ObjectKind kind, const runai::ObservedOrgUnit& unit);
    void order(const runai::ObservedOrgUnit& project);
    void ordered_pool(const runai::ObservedOrgUnit& project, const std::string& name, bool ours);
    void over_subscribed();
    void read_only();

    const Examined& examined_;
    const ObservedSite& site_;
    std::vector<Finding> found_;
};

void Diagnosis::departments_off() {
    if (!examined_.departments_on)
        add(Severity::error, "departments-off", "departments are switched off in Run:ai (department.use)",
            "labs are departments: without them a lab has no quota and no data source",
            "switch them on in Run:ai: Settings, General, Departments");
}

void Diagnosis::cluster() {
    const auto& state = site_.cluster.state;
    if (state.empty() || state == "Connected") return;
    add(Severity::error, "cluster",
        fmt::format("cluster {} is {} in Run:ai", log::escaped(site_.cluster.name), log::escaped(state)),
        "the control plane takes every request, and none of it may reach the nodes",
        "see Clusters in Run:ai for what is missing, and the pods of the namespace runai on the cluster");
}

void Diagnosis::versions() {
    if (auto about = runai::warning_about(site_.cluster.version); !about.empty())
        add(Severity::warning, "version", std::move(about), "fields may mean something else there",
            "see the release notes of stowage for one that knows this version");
}

void Diagnosis::clocks() {
    if (!examined_.clock_ahead || std::chrono::abs(*examined_.clock_ahead) < std::chrono::seconds(60)) return;
    add(Severity::warning, "clocks",
        fmt::format("Run:ai's clock is {} s {} this node's", std::chrono::abs(*examined_.clock_ahead).count(),
                    examined_.clock_ahead->count() > 0 ? "ahead of" : "behind"),
        "tokens and certificates seem to run out early or late", "set both clocks by NTP (chronyc tracking)");
}

void Diagnosis::node_pool(const runai::ObservedNodePool& pool) {
    const auto name = log::escaped(pool.value.name);
    const bool good = pool.nodes > 0 && (pool.phase.empty() || pool.phase == "Ready");
    if (good || (pool.is_default && pool.nodes == 0)) return;
    const auto why = "work for this pool waits for ever";
    if (pool.nodes == 0)
        add(Severity::warning, "node-pool-empty", fmt::format("node pool {} has no nodes", name), why,
            fmt::format("kubectl label node NODE {}={}", log::escaped(pool.value.label_key),
                        log::escaped(pool.value.label_value)));
    else
        add(Severity::warning, "node-pool-not-ready",
            fmt::format("node pool {} is {}", name, log::escaped(pool.phase)), why,
            "see the pool under Resources, Node pools in Run:ai");
}

void Diagnosis::over_quota(ObjectKind kind, const runai::ObservedOrgUnit& unit) {
    std::string pools;
    for (const auto& quota : unit.value.quotas)
        if (quota.deserved == 0 && quota.limit != 0)
            pools += (pools.empty() ? "" : ", ") + log::escaped(quota.pool_name);
    if (pools.empty()) return;
    const bool ours = is_ours(kind, unit.id);
    add(Severity::warning, "over-quota",
        fmt::format("{} {} has no GPUs of {}, and over quota on", to_string(kind),
                    log::escaped(unit.value.name), pools),
        "a new node pool is attached to every unit that way: preemptible work runs where nobody meant it to",
        ours ? apply_again
             : "set over quota off there in Run:ai, or name the lab in the site file and apply --adopt",
        ours);
}

void Diagnosis::ordered_pool(const runai::ObservedOrgUnit& project, const std::string& name, bool ours) {
    const auto title = fmt::format("project {}", log::escaped(project.value.name));
    const auto why = "work of this project can wait for ever";
    const auto* pool = pool_named(name);
    if (pool == nullptr)
        return add(Severity::error, "order-of-priority",
                   fmt::format("{} goes to node pool {}, which is not there", title, log::escaped(name)), why,
                   ours ? apply_again : "correct its order of priority in Run:ai", ours);
    const auto* department = parent_of(project);
    const bool here = has_gpus(project, pool->id);
    if (here && (department == nullptr || has_gpus(*department, pool->id))) return;
    add(Severity::error, "no-quota",
        fmt::format("{} goes to node pool {}, and {} has no GPUs there", title, log::escaped(name),
                    here ? "its department" : "it"),
        why, ours ? apply_again : "give it GPUs of that pool in Run:ai", ours);
}

void Diagnosis::order(const runai::ObservedOrgUnit& project) {
    const bool ours = is_ours(ObjectKind::project, project.id);
    const auto& pools = project.effective_pools;
    if (pools.empty())
        return add(
            Severity::error, "order-of-priority",
            fmt::format("project {} has no order of priority of node pools",
                        log::escaped(project.value.name)),
            "its work queues for ever, and nothing says why",
            ours ? apply_again : "set the order of priority of the project or its department in Run:ai",
            ours);
    for (const auto& name : pools)
        ordered_pool(project, name, ours);
    const auto version = runai::parse_version(site_.cluster.version);
    if (pools.size() > 1 && runai::has(version, runai::Trait::several_pools_may_stick))
        add(Severity::warning, "several-pools",
            fmt::format("project {} goes to {} node pools, and Run:ai here is {}",
                        log::escaped(project.value.name), pools.size(),
                        log::escaped(site_.cluster.version.substr(0, 40))),
            "before 2.20.39 work can stay unscheduled for ever after one failure (RUN-27309)",
            fmt::format("keep it to one pool (in the site file: node_pool_order: [{}]), or update Run:ai",
                        log::escaped(pools.front())));
}

void Diagnosis::over_subscribed() {
    std::map<std::string, double> sums;
    for (const auto& project : site_.projects)
        for (const auto& quota : project.value.quotas)
            if (quota.deserved > 0) sums[project.value.parent_id + '\n' + quota.pool_name] += quota.deserved;
    for (const auto& department : site_.departments)
        for (const auto& quota : department.value.quotas) {
            const auto sum = sums.find(department.id + '\n' + quota.pool_name);
            if (sum == sums.end() || quota.deserved < 0 || sum->second <= quota.deserved) continue;
            add(Severity::warning, "over-subscribed",
                fmt::format("department {} has {} GPUs of {}, its projects {} together",
                            log::escaped(department.value.name), runai::amount_text(quota.deserved),
                            log::escaped(quota.pool_name), runai::amount_text(sum->second)),
                "work within a quota may wait or be preempted",
                "lower the projects' quotas or raise the department's");
        }
}

void Diagnosis::read_only() {
    for (const auto& source : examined_.data_sources)
        if (source.value.read_only)
            add(Severity::warning, "read-only",
                fmt::format("data source {} is read-only", log::escaped(source.value.name)),
                "it is Run:ai's default, and pods that want to write fail",
                "stowage apply sets a lab's own right; else make it anew in Run:ai with read-only off");
}

}  // namespace

std::vector<Finding> diagnose(const Examined& examined) {
    return Diagnosis(examined).findings();
}

std::vector<Finding> not_as_applied(const std::vector<SiteItem>& items, bool told) {
    constexpr std::size_t most = 20;
    std::vector<Finding> found;
    std::size_t more = 0;
    bool more_is_ours = false;
    for (const auto& item : items) {
        if (item.change == Change::unchanged && !item.error) continue;
        if (told && !item.error) continue;
        if (found.size() == most) {
            ++more;
            more_is_ours = more_is_ours || !item.error;
            continue;
        }
        const auto how = !item.fields.empty()            ? runai::to_string(item.fields)
                         : item.error                    ? item.error->what
                         : item.change == Change::create ? "it is not there"
                                                         : item.detail;
        found.push_back({Severity::warning, "site",
                         fmt::format("{} is not as applied: {}", item.title(), how),
                         "the site file that was applied last says otherwise",
                         item.error ? item.error->remedy : apply_again, !item.error});
    }
    if (more > 0)
        found.push_back({Severity::warning, "site", fmt::format("{} more objects are not as applied", more),
                         "the site file that was applied last says otherwise",
                         "stowage plan with the site file shows them all", more_is_ours});
    return found;
}

Finding unreachable(const Error& error) {
    Finding finding{Severity::error, "run:ai", error.what, "nothing of Run:ai is planned, applied or watched",
                    error.remedy,    false};
    if (error.code == Code::denied) {
        finding.why = "Run:ai refuses the gateway's credentials or certificate";
        return finding;
    }
    if (!is_transient(error.code)) return finding;
    finding.why =
        "the control plane does not answer. A known trap: its ingress runs out of file descriptors, and then "
        "refuses "
        "connections or answers 502";
    finding.fix =
        "look at the ingress controller's log for \"Too many open files\"; if so, raise its Helm values "
        "controller.config.max-worker-open-files and lower controller.config.worker-processes, and restart "
        "it";
    return finding;
}

}  // namespace stowage::controller
