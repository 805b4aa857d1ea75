// Departments and projects of Run:ai as values: both are a name, GPU quotas per node pool and an order of
// pools. Runs in: controller. Distrusts: what came back; it is escaped when shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"
#include "provisioning/runai/difference.hpp"

namespace stowage::runai {

enum class UnitKind { department, project };

std::string_view to_string(UnitKind kind);

/// No ceiling, as Run:ai writes it.
inline constexpr double unlimited = -1;

/// What a unit may use of one node pool. Over quota is off when the limit equals what is deserved.
struct PoolQuota {
    std::string pool_id, pool_name;
    double deserved = 0;
    double limit = 0;  ///< unlimited: over quota is on

    bool operator==(const PoolQuota&) const = default;
};

struct OrgUnit {
    std::string name;
    std::string cluster_uuid;
    std::string parent_id;  ///< of a project: its department's id
    std::vector<PoolQuota> quotas;
    std::vector<std::string> default_pools;  ///< names, the first is taken first
};

struct ObservedOrgUnit {
    std::string id;
    OrgUnit value;
    std::string phase;                         ///< of a project: "Ready", …
    std::vector<std::string> effective_pools;  ///< of a project
    std::string kept;                          ///< JSON of the fields that an update sends back as they were
    std::string created_by = {};
};

/// "100", "0.5", "unlimited"
std::string amount_text(double amount);

/// Of quotas and order; pools that `wanted` does not name are not looked at.
std::vector<Difference> differences(const OrgUnit& wanted, const OrgUnit& found);

/// Code::invalid for names and amounts that Run:ai would not take.
Result<void> check(UnitKind kind, const OrgUnit& unit);

/// "use lower-case letters…" for departments, projects and node pools. Code::invalid.
Result<void> check_unit_name(std::string_view field, std::string_view name);

}  // namespace stowage::runai
