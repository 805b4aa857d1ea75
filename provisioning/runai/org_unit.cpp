// Departments and projects of Run:ai as values.
// Runs in: controller. Distrusts: what came back.
#include "provisioning/runai/org_unit.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "gateway/base/log.hpp"

namespace stowage::runai {
namespace {

/// Kubernetes' 63 without the "runai-" that a project's namespace begins with.
constexpr std::size_t max_name_bytes = 57;
constexpr double max_gpus = 1000000;

std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names)
        out += (out.empty() ? "" : ", ") + name;
    return out.empty() ? "none" : out;
}

std::string over_quota_text(const PoolQuota& quota) {
    if (quota.limit == quota.deserved) return "off";
    return quota.limit < 0 ? "on" : "up to " + amount_text(quota.limit);
}

bool is_amount(double amount) {
    return amount == unlimited || (std::isfinite(amount) && amount >= 0 && amount <= max_gpus);
}

}  // namespace

std::string_view to_string(UnitKind kind) {
    return kind == UnitKind::department ? "department" : "project";
}

std::string amount_text(double amount) {
    return amount < 0 ? "unlimited" : fmt::format("{:g}", amount);
}

std::vector<Difference> differences(const OrgUnit& wanted, const OrgUnit& found) {
    std::vector<Difference> out;
    std::map<std::string_view, const PoolQuota*> found_quotas;
    for (const auto& quota : found.quotas)
        found_quotas.emplace(quota.pool_id, &quota);
    for (const auto& quota : wanted.quotas) {
        const auto pool = quota.pool_name.empty() ? quota.pool_id : quota.pool_name;
        // A pool that a unit does not speak of is one with over quota on.
        const PoolQuota none{quota.pool_id, quota.pool_name, 0, unlimited};
        const auto at = found_quotas.find(quota.pool_id);
        const auto* there = at == found_quotas.end() ? &none : at->second;
        compare(out, "GPUs of " + pool, amount_text(quota.deserved), amount_text(there->deserved));
        compare(out, "over quota of " + pool, over_quota_text(quota), over_quota_text(*there));
    }
    compare(out, "node_pool_order", listed(wanted.default_pools), listed(found.default_pools));
    if (!wanted.parent_id.empty()) compare(out, "department", wanted.parent_id, found.parent_id);
    return out;
}

Result<void> check_unit_name(std::string_view field, std::string_view name) {
    bool good = !name.empty() && name.size() <= max_name_bytes && name.front() >= 'a' &&
                name.front() <= 'z' && name.back() != '-';
    for (const char c : name)
        good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
    if (good) return {};
    return Error{
        Code::invalid,
        fmt::format("{} \"{}\" is no name that Run:ai takes", field, log::escaped(name.substr(0, 100))),
        "use lower-case letters, digits and hyphens, a letter first, at most 57"};
}

Result<void> check(UnitKind kind, const OrgUnit& unit) {
    CHECK(check_unit_name(to_string(kind), unit.name));
    const auto where = fmt::format("{} {}", to_string(kind), unit.name);
    if (kind == UnitKind::project && unit.parent_id.empty())
        return Error{Code::invalid, where + " has no department"};
    if (unit.quotas.empty()) return Error{Code::invalid, where + " names no node pool"};
    for (const auto& quota : unit.quotas)
        if (!is_amount(quota.deserved) || !is_amount(quota.limit))
            return Error{Code::invalid,
                         fmt::format("{}: {} GPUs of {} is no quota", where, quota.deserved, quota.pool_name),
                         "give a number from 0, or unlimited"};
    return {};
}

}  // namespace stowage::runai
