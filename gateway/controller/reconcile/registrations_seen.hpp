// Where labs are registered in Run:ai, by lists of everything.
// Runs in: controller. Distrusts: what was observed.
#pragma once

#include <vector>

#include "gateway/controller/plan/plan.hpp"
#include "provisioning/runai/org_unit.hpp"

namespace stowage::controller {

struct SeenRegistrations {
    std::vector<runai::ObservedOrgUnit> departments;
    std::vector<runai::ObservedOrgUnit> projects;  ///< read only where a lab's data source is a project's
    std::vector<runai::ObservedDataSource> data_sources;
};

/// The lab's scope, as far as it is there (ids are empty of what is not), and its data source in it.
/// Code::exists when there are several of one name.
Result<KnownRegistration> registration_in(const SeenRegistrations& seen, const Lab& lab);

/// Code::not_found naming what of the lab's scope is missing.
Result<void> check_scope(const Lab& lab, const DataSourceScope& scope);

}  // namespace stowage::controller
