// What requests about departments and projects may hold, as the OpenAPI file has it.
// Runs in: runai_stand_in, tests.
#pragma once

#include <string_view>
#include <vector>

#include "tests/support/runai_stand_in/rules.hpp"

namespace stowage::stand_in {

/// Those that lists filter and sort by.
extern const std::vector<std::string_view> department_fields, project_fields;

const std::vector<Rule>& department_query();
const std::vector<Rule>& project_query();

/// Of one node pool's quotas.
std::vector<Rule> org_unit_resource_rules();
const std::vector<Rule>& org_unit_update_rules();
const std::vector<Rule>& department_rules();
const std::vector<Rule>& project_rules();

}  // namespace stowage::stand_in
